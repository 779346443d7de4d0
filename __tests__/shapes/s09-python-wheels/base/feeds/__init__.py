"""Answers with the newest reading of each sensor."""

from bottle import Bottle

readings: dict[str, float] = {}


def main() -> None:
    app = Bottle()
    app.get("/", callback=lambda: readings)
    app.run(host="0.0.0.0", port=8000)
