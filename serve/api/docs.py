"""`/docs`: Swagger UI from a package on this machine, so that it works without the internet."""

from importlib import resources

from fastapi import APIRouter
from starlette.responses import Response

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorbuster: the HTTP API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
_PAGE_HEADERS = {
    # Swagger UI writes style attributes and inline images; scripts only come from here.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}
_ASSET_HEADERS = {"cache-control": "public, max-age=86400"}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs_page() -> Response:
    return Response(_PAGE, media_type="text/html; charset=utf-8", headers=_PAGE_HEADERS)


@router.get("/docs/start.js")
async def docs_start() -> Response:
    return Response(_START, media_type="text/javascript; charset=utf-8", headers=_PAGE_HEADERS)


def _asset(name: str, media_type: str) -> None:
    async def serve_asset() -> Response:
        content = (resources.files("fastapi_swagger.resources") / name).read_bytes()
        return Response(content, media_type=media_type, headers=_ASSET_HEADERS)

    router.add_api_route(f"/docs/{name}", serve_asset, methods=["GET"])


for _name, _media_type in _ASSETS.items():
    _asset(_name, _media_type)
