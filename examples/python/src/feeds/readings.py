"""The newest readings of each sensor."""

from collections import defaultdict, deque
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Reading:
    at: int  # seconds since 1970
    value: float


class Readings:
    def __init__(self, keep: int = 1000) -> None:
        self._sensors: dict[str, deque[Reading]] = defaultdict(lambda: deque(maxlen=keep))

    def add(self, sensor: str, reading: Reading) -> None:
        self._sensors[sensor].append(reading)

    def newest(self, sensor: str, count: int) -> list[Reading]:
        return list(self._sensors[sensor])[-count:] if sensor in self._sensors else []

    def means(self) -> dict[str, float]:
        return {sensor: fmean(reading.value for reading in readings) for sensor, readings in self._sensors.items()}
