/// The sealed form of a gossip packet.
///
/// ```
/// offset  size  field
///      0     1  version, 1
///      1     1  key id
///      2    12  nonce
///     14     n  AES-256-GCM ciphertext
///   14+n    16  tag
/// ```
///
/// The first fourteen bytes and the cluster's id are authenticated (additional data), so that a packet
/// of another cluster is refused even where both have the same key.
///
/// Nonces are 64 bits drawn at random when the sealer is made and a counter of 32 bits (the
/// deterministic construction of SP 800-38D §8.2.1, the random bits in the place of a device's name);
/// when the counter is used up new bits are drawn. Two nodes of one key share a nonce only if they draw
/// the same 64 bits: after a million starts of processes with one key the odds are 1 in 30 million. That
/// is why keys are to be rotated, and why a nonce is not 96 random bits, which would end at 2³² packets.
///
/// There is no window against replays: what gossip says carries incarnation numbers, so an old packet
/// said again says nothing new, and acknowledgements carry the sequence number of their probe.
struct PacketSealer: Sendable {
    static let version: UInt8 = 1
    static let headLength = 2 + PacketSeal.nonceLength
    static let overhead = headLength + PacketSeal.tagLength

    var ring: KeyRing
    private let cluster: [UInt8]
    private var salt: [UInt8]
    private var counter: UInt32 = 0

    init(ring: KeyRing, cluster: String) throws(TransportError) {
        self.ring = ring
        self.cluster = Array(cluster.utf8)
        salt = try randomBytes(8)
    }

    mutating func seal(_ payload: [UInt8]) throws(TransportError) -> [UInt8] {
        if counter == .max {
            salt = try randomBytes(8)
            counter = 0
        }
        counter += 1
        let nonce = salt + withUnsafeBytes(of: counter.bigEndian) { Array($0) }
        let head = [Self.version, ring.primary.id] + nonce
        return head + (try PacketSeal.seal(payload, key: ring.primary.secret, nonce: nonce, authenticated: head + cluster))
    }

    enum Opening: Equatable {
        case payload([UInt8])
        case malformed
        case unknownKey
        case forged
    }

    func open(_ packet: [UInt8]) -> Opening {
        guard packet.count >= Self.overhead, packet[0] == Self.version else { return .malformed }
        guard let key = ring.key(packet[1]) else { return .unknownKey }
        let head = Array(packet[..<Self.headLength])
        guard
            let payload = PacketSeal.open(
                packet[Self.headLength...], key: key.secret, nonce: Array(head[2...]), authenticated: head + cluster)
        else { return .forged }
        return .payload(payload)
    }
}
