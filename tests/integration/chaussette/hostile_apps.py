"""An application that reads its body and names the path that it was asked for."""


def app(environ, start_response):
    """The path, the length of the body, and what a header with an underscore would have set."""
    size = len(environ["wsgi.input"].read())
    body = f"<{environ['PATH_INFO']} {size} {environ.get('HTTP_X_USER', '-')}>".encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
