"""botocore's client for S3, in less memory: boto3 adds nothing that is used here."""

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def client(
    *, endpoint: str | None, region: str, access_key: str, secret_key: str, config: Config
) -> "S3Client":
    """Make a client of botocore as it is published."""
    session = botocore.session.Session()
    session.register_component(
        "data_loader", Loader(file_loader=_PlainFiles(), include_default_search_paths=True)
    )
    made = session.create_client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=config,
    )
    return cast("S3Client", made)


class _PlainFiles(JSONFileLoader):
    """Reads botocore's descriptions into plain dictionaries, which take half the memory of ordered ones."""

    def load_file(self, file_path: str) -> dict[str, Any] | None:
        """Read a file, if there is one; its ending is not named."""
        packed, open_one = Path(f"{file_path}.json.gz"), Path(f"{file_path}.json")
        if packed.is_file():
            text = gzip.decompress(packed.read_bytes())
        elif open_one.is_file():
            text = open_one.read_bytes()
        else:
            return None
        described: dict[str, Any] = json.loads(text)
        return described
