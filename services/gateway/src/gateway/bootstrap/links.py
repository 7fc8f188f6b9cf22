"""Signed links, as serving and delivering write them."""

from chassis.clock import utc_now
from gateway.adapters.outbound.links import Sign, SignedLinks
from gateway.adapters.outbound.s3 import S3
from gateway.settings import OutwardSettings


def signed_links(settings: OutwardSettings) -> SignedLinks:
    """Wire links to the bucket, or to CloudFront in front of it."""
    s3 = S3(
        settings.s3_public_endpoint,
        settings.s3_bucket,
        settings.aws_region,
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
    )
    url, key_pair_id, key = (
        settings.cloudfront_url,
        settings.cloudfront_key_pair_id,
        settings.cloudfront_private_key,
    )
    sign: Sign = s3.sign
    if url and key_pair_id and key:
        from gateway.adapters.outbound.cloudfront import CloudFront  # here: 7 MB for those who have one

        sign = CloudFront(url, key_pair_id, key.get_secret_value()).sign
    return SignedLinks(sign, s3.upload, utc_now)
