"""Answers with the newest reading of each sensor."""

from pathlib import Path

from bottle import Bottle

readings: dict[str, float] = {}
stations = Path("data/stations.bin").read_bytes()

app = Bottle()
app.get("/", callback=lambda: readings)
app.run(host="0.0.0.0", port=8000)
