import Filesystem
import Primitives

/// A connection, by the number that the listener gave it.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A call to the seam that has not been answered.
package struct CallID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// clientid4: the start of the server in the upper half, so that one of an earlier start is known as stale.
struct ClientID: Hashable, Comparable, Sendable {
    let rawValue: UInt64
    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// sessionid4, 16 bytes: the client, and a number.
struct SessionKey: Hashable, Comparable, Sendable {
    let client: ClientID
    let number: UInt64

    static func < (a: Self, b: Self) -> Bool { (a.client, a.number) < (b.client, b.number) }

    func encode(to writer: inout XDRWriter) {
        writer.write(client.rawValue)
        writer.write(number)
    }
}

/// stateid4 (RFC 8881 §8.2): a sequence number, and twelve bytes that name the state: the start of the server, and a number.
struct StateID: Hashable, Sendable {
    var sequence: UInt32
    let boot: UInt32
    let number: UInt64

    /// §8.2.3: all zeros, and all ones.
    static let anonymous = StateID(sequence: 0, boot: 0, number: 0)
    static let readBypass = StateID(sequence: .max, boot: .max, number: .max)
    /// The one that the compound has made or used last.
    static let current = StateID(sequence: 1, boot: 0, number: 0)

    var isSpecial: Bool { self == Self.anonymous || self == Self.readBypass }

    func encode(to writer: inout XDRWriter) {
        writer.write(sequence)
        writer.write(boot)
        writer.write(number)
    }
}

/// A file handle: which file system and which object of it, so that it stays the same over restarts and failovers, and is the
/// same on every node. Inode numbers are never used twice (docs/reference/nfs.md).
enum FileHandle: Hashable, Sendable {
    /// The directory of the exports.
    case exports
    case object(FilesystemID, InodeID)

    static let version: UInt8 = 1

    var bytes: [UInt8] {
        switch self {
        case .exports: return [Self.version, 0]
        case .object(let filesystem, let inode):
            var bytes = [Self.version, UInt8(filesystem.kind.rawValue)]
            for word in [filesystem.high, filesystem.low, inode.rawValue] {
                for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
            }
            return bytes
        }
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count >= 2, bytes[0] == Self.version else { return nil }
        if bytes[1] == 0 {
            guard bytes.count == 2 else { return nil }
            self = .exports
            return
        }
        guard bytes.count == 26, let kind = FilesystemKind(rawValue: UInt32(bytes[1])) else { return nil }
        func word(_ place: Int) -> UInt64 { bytes[place..<place + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        guard word(18) != 0 else { return nil }
        self = .object(FilesystemID(kind: kind, high: word(2), low: word(10)), InodeID(word(18)))
    }
}

/// An object that clients have open.
struct ObjectKey: Hashable, Comparable, Sendable {
    let filesystem: FilesystemID
    let inode: InodeID
    static func < (a: Self, b: Self) -> Bool { (a.filesystem, a.inode) < (b.filesystem, b.inode) }
    var path: FilePath { FilePath(base: inode, components: []) }
}
