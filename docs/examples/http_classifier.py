"""A server for ``evo-fool run … --classifier http:URL``: what it must answer, in forty lines.

    python docs/examples/http_classifier.py 8000
    evo-fool run mnist-cppn --classifier http:http://127.0.0.1:8000/ --max-queries 100000

Here it answers with ``lenet-mnist``; put your own network, or a call of another program, into ``scores``.
"""

import base64
import io
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import torch
from PIL import Image

from evo_fool.classifiers import load_classifier
from evo_fool.sections import ClassifierConfig

NETWORK = load_classifier(ClassifierConfig(spec="lenet-mnist"), torch.device("cpu"))
ABOUT = {"name": "LeNet", "classes": NETWORK.classes, "size": 28, "channels": 1, "fingerprint": NETWORK.fingerprint()}


def scores(pixels: np.ndarray) -> np.ndarray:
    """Logits ``(n, 10)`` of uint8 images ``(n, 28, 28)``."""
    with torch.inference_mode():
        return NETWORK(torch.from_numpy(pixels).unsqueeze(1) / 255).numpy()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(ABOUT)

    def do_POST(self) -> None:
        images = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["images"]
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(base64.b64decode(image)))) for image in images])
        self.answer({"scores": scores(pixels).tolist()})

    def answer(self, data: dict) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
