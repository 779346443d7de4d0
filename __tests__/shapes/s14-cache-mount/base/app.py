from bottle import route, run


@route("/")
def index():
    return {"stock": 12}


run(host="0.0.0.0", port=8000)
