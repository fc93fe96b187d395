"""Serves requests that fail in three ways, each twice, with Flask and its logger."""

import flask

app = flask.Flask("shop")


@app.route("/pay/<int:number>")
def pay(number):
    return {}[number]


@app.route("/ship/<int:number>")
def ship(number):
    return number / 0


@app.route("/lose/<int:number>")
def lose(number):
    app.logger.error("order %d is lost", number)
    return "lost"


client = app.test_client()
for number in (17, 4711):
    for name in ("pay", "ship", "lose"):
        client.get(f"/{name}/{number}")
