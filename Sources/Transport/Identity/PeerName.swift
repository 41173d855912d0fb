internal import NIOSSL
package import Primitives

/// Who a certificate speaks for: `atoll://<cluster>/node/<id>`, a URI among its subject alternative
/// names (RFC 5280 §4.2.1.6). Host names and addresses are in the certificate too, for tools that
/// look at them; between nodes only this name counts, because nodes move and node ids do not.
package struct PeerName: Hashable, Sendable, CustomStringConvertible {
    package let cluster: String
    package let node: NodeID

    package init(cluster: String, node: NodeID) {
        self.cluster = cluster
        self.node = node
    }

    package init?(uri: String) {
        let scheme = "atoll://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "node", let number = UInt64(parts[2]), Self.isClusterID(String(parts[0])) else { return nil }
        self.init(cluster: String(parts[0]), node: NodeID(number))
    }

    /// The name that `certificate` carries; nil where it has none, or more than one.
    init?(certificate: NIOSSLCertificate) {
        var found: [PeerName] = []
        for name in certificate._subjectAlternativeNames() where name.nameType == .uri {
            if let peer = PeerName(uri: String(decoding: name.contents, as: UTF8.self)) { found.append(peer) }
        }
        guard found.count == 1 else { return nil }
        self = found[0]
    }

    package var uri: String { "atoll://\(cluster)/node/\(node.rawValue)" }
    package var description: String { "\(node) of cluster \(cluster)" }

    /// 1 to 64 of `[A-Za-z0-9-_.]`: safe in a URI, in a certificate and in a file name.
    package static func isClusterID(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
    }
}
