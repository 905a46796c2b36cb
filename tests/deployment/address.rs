//! How the emulator is addressed.

/// The path under which the emulator takes a request for this host.
///
/// Its registry takes every path that looks like one of the distribution specification, and its Cognito every
/// `POST /login`, whatever the host, before its API Gateway is asked. With a second slash in front a path is neither's;
/// the gateway drops the slash, and so does the check of the signature, which covers the path.
pub(crate) fn path(host: &str, path: &str) -> String {
    match host.split('.').nth(1) {
        Some("execute-api") => format!("/{path}"),
        _ => path.to_owned(),
    }
}
