/// Writes XDR (RFC 4506): big-endian, everything padded with zeros to four bytes. One codec for
/// the wire between nodes, the log, snapshots and NFS.
package struct XDRWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    package mutating func write(_ value: UInt32) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    package mutating func write(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    package mutating func write(_ value: Int64) { write(UInt64(bitPattern: value)) }
    package mutating func write(_ value: Bool) { write(UInt32(value ? 1 : 0)) }

    /// Opaque data of variable length (RFC 4506 §4.10).
    package mutating func write(opaque data: some Collection<UInt8>) {
        write(UInt32(data.count))
        write(fixed: data)
    }

    /// Opaque data of a length that both sides know (RFC 4506 §4.9).
    package mutating func write(fixed data: some Collection<UInt8>) {
        bytes.append(contentsOf: data)
        for _ in 0..<((4 - data.count % 4) % 4) { bytes.append(0) }
    }

    package mutating func write(_ text: String) { write(opaque: text.utf8) }

    /// The bytes that a text takes: its length, itself, and zeros up to four.
    package static func bytes(of text: String) -> Int { 4 + (text.utf8.count + 3) / 4 * 4 }

    package mutating func write<Value: XDRCodable>(_ value: Value) { value.encode(to: &self) }

    package mutating func write<Value: XDRCodable>(_ values: some Collection<Value>) {
        write(UInt32(values.count))
        for value in values { value.encode(to: &self) }
    }

    package mutating func write<Value: XDRCodable>(_ value: Value?) {
        write(value != nil)
        if let value { value.encode(to: &self) }
    }

    /// Floating point by its bits (RFC 4506 §4.7).
    package mutating func write(_ value: Double) { write(value.bitPattern) }
}
