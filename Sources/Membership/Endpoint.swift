package import Primitives

/// Where a service of a node listens: a host name or address, and a port.
package struct Endpoint: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    /// The longest DNS name (RFC 1035 §3.1), in bytes.
    package static let hostLimit = 255

    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[address]:port`; nil where it is neither.
    package init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.utf8.contains(UInt8(ascii: ":")) {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= Self.hostLimit else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Byte order of the host, then the port: the same on every machine.
    package static func < (a: Endpoint, b: Endpoint) -> Bool {
        if a.host == b.host { return a.port < b.port }
        return a.host.utf8.lexicographicallyPrecedes(b.host.utf8)
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(host)
        writer.write(UInt32(port))
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let host = try reader.string(limit: Self.hostLimit)
        let port = try reader.uint32()
        guard let short = UInt16(exactly: port) else { throw .badValue(what: "port", value: UInt64(port)) }
        self.init(host: host, port: short)
    }

    package var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// One endpoint of a node by the name of its service.
package struct NamedEndpoint: Hashable, Sendable, XDRCodable {
    /// Bytes in a service's name.
    package static let nameLimit = 16
    /// The service of SWIM's datagrams; every member has it.
    package static let gossip = "gossip"
    /// The service of connections between nodes, push/pull included; every member has it.
    package static let peer = "peer"

    package let name: String
    package let endpoint: Endpoint

    package init(_ name: String, _ endpoint: Endpoint) {
        self.name = name
        self.endpoint = endpoint
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(name)
        writer.write(endpoint)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(try reader.string(limit: Self.nameLimit), try reader.value())
    }
}
