"""POST /SENSOR with {"at": seconds, "value": number}; GET /SENSOR for its newest readings; GET / for all means."""

import os

import orjson
from bottle import Bottle, HTTPError, request, response

from feeds.readings import Reading, Readings


def make_app(readings: Readings) -> Bottle:
    app = Bottle()

    def as_json(value: object) -> bytes:
        response.content_type = "application/json"
        return orjson.dumps(value)

    @app.get("/")
    def means() -> bytes:
        return as_json(readings.means())

    @app.get("/<sensor:re:[a-z0-9-]+>")
    def newest(sensor: str) -> bytes:
        return as_json(readings.newest(sensor, 100))

    @app.post("/<sensor:re:[a-z0-9-]+>")
    def add(sensor: str) -> bytes:
        try:
            body = orjson.loads(request.body.read())
            reading = Reading(at=int(body["at"]), value=float(body["value"]))
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPError(400, 'the body is {"at": seconds, "value": number}') from error
        readings.add(sensor, reading)
        response.status = 201
        return as_json(reading)

    return app


def main() -> None:
    make_app(Readings()).run(host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))
