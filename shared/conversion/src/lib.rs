//! Parse, inspect, negotiate and convert image manifests. Pure: bytes in, bytes out.
