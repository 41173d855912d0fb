internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// One line for an error of NIO or TLS, in words of what happened to us.
func describe(_ error: any Error) -> String {
    switch error {
    case let error as TransportError: return error.description
    case let error as NIOConnectionError:
        if let first = error.connectionErrors.first { return describe(first.error) }
        return "no address for host \(error.host)"
    case let error as IOError: return error.description
    case let error as NIOSSLError: return describe(tls: "\(error)")
    case let error as BoringSSLError: return describe(tls: "\(error)")
    case let error as ChannelError:
        switch error {
        case .connectTimeout: return "no answer in time"
        case .ioOnClosedChannel, .alreadyClosed, .eof, .inputClosed, .outputClosed: return "connection closed"
        default: return "\(error)"
        }
    default: return "\(error)"
    }
}

private func describe(tls text: String) -> String {
    let known: [(sign: String, meaning: String)] = [
        (
            "CERTIFICATE_VERIFY_FAILED",
            "the peer's certificate was not signed by this cluster's authority, or is not valid today; compare ca.pem and the clocks of both nodes"
        ),
        (
            "ALERT_UNKNOWN_CA",
            "the peer does not believe our certificate: another cluster authority signed it; compare ca.pem of both nodes"
        ),
        ("ALERT_CERTIFICATE_EXPIRED", "the peer refused our certificate, which has expired; issue a new one for this node"),
        ("ALERT_CERTIFICATE", "the peer refused our certificate; issue a new one for this node"),
        ("ALERT_BAD_CERTIFICATE", "the peer refused our certificate; issue a new one for this node"),
        ("ALERT_UNKNOWN_CERTIFICATE", "the peer refused our certificate; issue a new one for this node"),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the peer showed no certificate"),
        ("WRONG_VERSION_NUMBER", "the peer does not speak TLS; is this the port of a node?"),
        ("UNSUPPORTED_PROTOCOL", "the peer does not speak TLS 1.3"),
        ("eofDuringHandshake", "the peer closed the connection during the TLS handshake"),
        ("readInInvalidTLSState", "the peer closed the connection"),
        ("uncleanShutdown", "the peer closed the connection without a word"),
        ("EOF during handshake", "the peer closed the connection during the TLS handshake"),
    ]
    return known.first { text.contains($0.sign) }?.meaning ?? "TLS: \(text)"
}
