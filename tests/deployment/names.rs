//! A name server for which every name of AWS is this machine (RFC 1035), because buckets and APIs get their names from
//! the emulator while the test runs.

use std::net::{Ipv4Addr, UdpSocket};

/// The names that are answered for end in this.
const DOMAIN: &str = "amazonaws.com";

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
/// "This is an answer", with the client's wish for recursion granted.
const ANSWER: u16 = 0x8180;
const NO_SUCH_NAME: u16 = 3;

/// Answers on port 53 of the loopback interface, as long as the test runs.
#[track_caller]
pub(crate) fn serve() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("port 53 in a namespace of our own");
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut question) {
            if let Some(answer) = answer(&question[..length]) {
                // A client that has gone asks nobody again.
                let _ = socket.send_to(&answer, client);
            }
        }
    });
}

/// The answer to a packet with one question; None for anything else.
fn answer(packet: &[u8]) -> Option<Vec<u8>> {
    let (name, end) = name(packet)?;
    let kind = u16::from_be_bytes([*packet.get(end)?, *packet.get(end + 1)?]);
    let known = name == DOMAIN || name.strip_suffix(DOMAIN).is_some_and(|before| before.ends_with('.'));
    let flags = if known { ANSWER } else { ANSWER | NO_SUCH_NAME };
    let found = known && kind == TYPE_A;
    let mut answer = packet[..2].to_vec();
    for field in [flags, 1, u16::from(found), 0, 0] {
        answer.extend(field.to_be_bytes());
    }
    answer.extend(packet.get(HEADER..end + 4)?);
    if found {
        // The name is the one at offset 12 of this packet.
        answer.extend([0xc0, 12]);
        answer.extend(TYPE_A.to_be_bytes());
        answer.extend(CLASS_IN.to_be_bytes());
        answer.extend([0; 4]);
        answer.extend(4_u16.to_be_bytes());
        answer.extend(Ipv4Addr::LOCALHOST.octets());
    }
    Some(answer)
}

/// The name that is asked for, in lower case, and where it ends.
fn name(packet: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), HEADER);
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        let label = packet.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
}
