internal import Primitives

/// The keys of gossip: one that seals, and others that still open. All nodes of a cluster share it.
///
/// Replacing a key without a gap: `add` the new one on every node, then `use` it on every node, then
/// `remove` the old one on every node. A packet names its key by one byte, so ids are handed out from
/// 0 to 255 and used again only when the ring is short of them; at most 8 keys are kept.
package struct KeyRing: Sendable, Hashable {
    package struct Key: Sendable, Hashable {
        package let id: UInt8
        package let secret: Secret
    }

    package static let limit = 8
    private static let heading = "atoll gossip key ring 1"

    /// The first seals; each opens.
    package private(set) var keys: [Key]

    package var primary: Key { keys[0] }

    private init(keys: [Key]) { self.keys = keys }

    /// A ring with one new key.
    package static func create() throws(TransportError) -> KeyRing {
        KeyRing(keys: [Key(id: 1, secret: try .random(count: PacketSeal.keyLength))])
    }

    /// A ring of keys that come from elsewhere (32 bytes each); the first seals.
    package init(keys: [(id: UInt8, secret: Secret)]) throws(TransportError) {
        let ids = keys.map(\.id)
        guard !keys.isEmpty, keys.count <= Self.limit, keys.allSatisfy({ $0.secret.bytes.count == PacketSeal.keyLength }),
            zip(ids.indices, ids).allSatisfy({ !ids[..<$0].contains($1) })
        else {
            throw TransportError(
                .identity, "make", "key ring",
                cause: "it takes 1 to \(Self.limit) keys of \(PacketSeal.keyLength) bytes with ids of their own")
        }
        self.keys = keys.map { Key(id: $0.id, secret: $0.secret) }
    }

    func key(_ id: UInt8) -> Key? { keys.first { $0.id == id } }

    /// Adds a key that opens but does not seal yet, and returns its id.
    @discardableResult
    package mutating func add(_ secret: Secret) throws(TransportError) -> UInt8 {
        guard secret.bytes.count == PacketSeal.keyLength, keys.count < Self.limit, !keys.contains(where: { $0.secret == secret }) else {
            throw TransportError(
                .identity, "add key to", "key ring",
                cause: "it must be \(PacketSeal.keyLength) bytes, new, and one of at most \(Self.limit)",
                advice: "remove keys that no node uses any more")
        }
        var id = (keys.map(\.id).max() ?? 0) &+ 1
        while key(id) != nil { id &+= 1 }
        keys.append(Key(id: id, secret: secret))
        return id
    }

    /// Adds a new random key, and returns its id.
    @discardableResult
    package mutating func addNew() throws(TransportError) -> UInt8 { try add(.random(count: PacketSeal.keyLength)) }

    /// Makes a key of the ring the one that seals.
    package mutating func use(_ id: UInt8) throws(TransportError) {
        guard let index = keys.firstIndex(where: { $0.id == id }) else { throw unknown("use", id) }
        keys.insert(keys.remove(at: index), at: 0)
    }

    /// Takes out a key that does not seal.
    package mutating func remove(_ id: UInt8) throws(TransportError) {
        guard let index = keys.firstIndex(where: { $0.id == id }) else { throw unknown("remove", id) }
        guard index > 0 else {
            throw TransportError(
                .identity, "remove key from", "key ring", cause: "key \(id) is the one that seals", advice: "use another key first")
        }
        keys.remove(at: index)
    }

    private func unknown(_ operation: String, _ id: UInt8) -> TransportError {
        TransportError(.identity, "\(operation) key of", "key ring", cause: "there is no key \(id)")
    }

    // MARK: - File

    /// One line a key, id and hexadecimal bytes, the sealing one first. Written with mode 0600.
    package func save(to path: String) throws(TransportError) {
        let lines = [Self.heading] + keys.map { "\($0.id) \(Hex.encode($0.secret.bytes))" }
        try PrivateFile.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path, mode: 0o600)
    }

    package static func load(from path: String) throws(TransportError) -> KeyRing {
        let text = String(decoding: try PrivateFile.read(path, secret: true), as: UTF8.self)
        let lines = text.split(separator: "\n")
        var keys: [(id: UInt8, secret: Secret)] = []
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 2, let id = UInt8(words[0]), let bytes = Hex.decode(String(words[1])) else {
                throw TransportError(
                    .identity, "load", path, cause: "line \(keys.count + 2) is no key", advice: "copy the file from another node")
            }
            keys.append((id, Secret(bytes)))
        }
        guard lines.first.map(String.init) == heading else {
            throw TransportError(
                .identity, "load", path, cause: "it does not begin with \"\(heading)\"", advice: "copy the file from another node")
        }
        return try KeyRing(keys: keys)
    }
}
