import base64
import io
import zipfile

from PIL import Image


def archive(count: int = 4, colour: int = 0) -> str:
    """A zip of pictures as a data address."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for n in range(count):
            picture = io.BytesIO()
            Image.new("RGB", (64, 64), (colour, n * 20, 90)).save(picture, "PNG")
            opened.writestr(f"{n}.png", picture.getvalue())
            opened.writestr(f"{n}.txt", "a caption")
    return inline(out.getvalue())


def inline(content: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(content).decode()
