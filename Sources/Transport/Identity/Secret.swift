internal import COpenSSL

/// Bytes that must never reach a log: printing, interpolating or dumping one shows its length only.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `count` bytes from libcrypto's generator.
    package static func random(count: Int) throws(TransportError) -> Secret { Secret(try randomBytes(count)) }

    package var description: String { "<secret, \(bytes.count) bytes>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Compares without leaking, by the time it takes, where the first difference is.
    package static func == (a: Secret, b: Secret) -> Bool {
        guard a.bytes.count == b.bytes.count else { return false }
        var difference: UInt8 = 0
        for index in a.bytes.indices { difference |= a.bytes[index] ^ b.bytes[index] }
        return difference == 0
    }
}

/// `count` unpredictable bytes.
package func randomBytes(_ count: Int) throws(TransportError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw Libcrypto.failure("draw random bytes", "\(count)") }
    return bytes
}
