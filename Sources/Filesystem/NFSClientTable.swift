package import Primitives

/// Who a client of an NFS server is, as it has named itself (RFC 8881 §18.35, RFC 7530 §16.33).
package struct NFSClientIdentity: Hashable, Sendable {
    /// At most 1,024 bytes.
    package var owner: [UInt8]
    /// Changes when the client starts anew: what it had before is gone.
    package var verifier: UInt64
    /// As far as AUTH_SYS can tell: nobody else takes its place.
    package var flavor: UInt32
    package var user: UInt32
    package var minor: UInt32
    /// At most 64 bytes.
    package var address: String
    /// clientid4: the server's start in the upper half, so that no two establishments have the same.
    package var clientID: UInt64
    /// It has opens that deny others theirs.
    package var denies = false
    /// It may still say what it had before. If not, that ends as it is registered.
    package var mayReclaim: Bool
    package init(
        owner: [UInt8], verifier: UInt64, flavor: UInt32, user: UInt32, minor: UInt32, address: String, clientID: UInt64, mayReclaim: Bool
    ) {
        self.owner = owner
        self.verifier = verifier
        self.flavor = flavor
        self.user = user
        self.minor = minor
        self.address = String(decoding: address.utf8.prefix(64), as: UTF8.self)
        self.clientID = clientID
        self.mayReclaim = mayReclaim
    }

    var start: UInt64 { clientID >> 32 }
    fileprivate func isSame(_ other: Self) -> Bool { owner == other.owner && flavor == other.flavor && user == other.user }
}

/// A client of one node, registered with one file system.
package struct NFSClientEntry: Hashable, Sendable {
    /// Names it in the lock table, as a session of its node; numbers are not used twice, and no session of a node has one of them.
    package let number: UInt64
    package let node: NodeID
    package var identity: NFSClientIdentity
    package let registered: WallTime

    package var session: SessionID { SessionID(number) }
}

/// What a client is told as it is registered.
package struct NFSRegistration: Hashable, Sendable {
    package var number: UInt64
    /// It was registered before, at another start of its server or with another node, and may reclaim.
    package var isKnown: Bool
    /// Others of its server's earlier start have not come back yet; some of them deny others their opens.
    package var othersMissing: Bool
    package var othersDeny: Bool
    package init(number: UInt64, isKnown: Bool, othersMissing: Bool = false, othersDeny: Bool = false) {
        self.number = number
        self.isKnown = isKnown
        self.othersMissing = othersMissing
        self.othersDeny = othersDeny
    }
}

/// The clients of NFS servers that have state in one network file system: a part of its replicated state, so that a server that
/// has started again, or another one, knows who may reclaim what (RFC 8881 §8.4.2.1). Ordered by number.
package struct NFSClientTable: Hashable, Sendable {
    /// Clients of one file system.
    package static let capacity = 4_096
    /// How long the leader keeps what a silent client has from whoever asks for it: the lease of the protocol (90 s), and ten more for
    /// clocks that do not run alike.
    package static let lease = Duration.seconds(100)
    /// And how long where nobody asks.
    package static let courtesy = Duration.seconds(86_400)
    private static let first: UInt64 = 1 << 63

    package private(set) var entries: [NFSClientEntry] = []
    private var next = first

    package init() {}

    /// Whether a holder of locks is a registered client, and not a session of a node.
    package static func isClient(_ session: SessionID) -> Bool { session.rawValue >= first }

    package func entry(_ number: UInt64, of node: NodeID) -> NFSClientEntry? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].number < number { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].number == number, entries[low].node == node else { return nil }
        return entries[low]
    }

    /// The same client as it was before, whose locks it may take over: registered earlier, not within the same start of the same
    /// server, and the client has not started anew since.
    package func predecessors(of entry: NFSClientEntry) -> [NFSClientEntry] {
        entries.filter {
            $0.number < entry.number && $0.identity.isSame(entry.identity) && $0.identity.verifier == entry.identity.verifier
                && ($0.node != entry.node || $0.identity.start != entry.identity.start)
        }
    }

    /// Registers a client, or finds its registration where the request comes again; nil where the table is full. `ended`: others that
    /// this ends, with their locks.
    package mutating func register(_ identity: NFSClientIdentity, of node: NodeID, at time: WallTime) -> (
        registration: NFSRegistration, ended: [NFSClientEntry]
    )? {
        let place: Int
        if let known = entries.firstIndex(where: { $0.node == node && $0.identity.clientID == identity.clientID }) {
            entries[known].identity.denies = entries[known].identity.denies || identity.denies
            place = known
        } else {
            guard entries.count < Self.capacity else { return nil }
            entries.append(NFSClientEntry(number: next, node: node, identity: identity, registered: time))
            next += 1
            place = entries.count - 1
        }
        let entry = entries[place]
        let former = Set(predecessors(of: entry).map(\.number))
        // Of this node, an earlier establishment that is no predecessor has ended: the client has started anew, or the server has given
        // it up. Of another node it may be a client of the same name, and ends with its lease.
        let ended = entries.filter {
            $0.number != entry.number && $0.node == node && $0.identity.isSame(identity)
                && (!identity.mayReclaim || !former.contains($0.number)) && $0.number < entry.number
        }
        drop(ended)
        let others = entries.filter { $0.node == node && $0.identity.start != identity.start && !former.contains($0.number) }
        let registration = NFSRegistration(
            number: entry.number, isKnown: identity.mayReclaim && !former.isEmpty, othersMissing: !others.isEmpty,
            othersDeny: others.contains { $0.identity.denies })
        return (registration, ended)
    }

    /// The client has reclaimed what it wanted (RECLAIM_COMPLETE): what is left of its earlier registrations with this node ends.
    package mutating func complete(_ entry: NFSClientEntry) -> [NFSClientEntry] {
        let ended = predecessors(of: entry).filter { $0.node == entry.node }
        drop(ended)
        return ended
    }

    package mutating func end(_ number: UInt64) { entries.removeAll { $0.number == number } }

    private mutating func drop(_ ended: [NFSClientEntry]) {
        for entry in ended { end(entry.number) }
    }
}

extension NFSClientIdentity: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(opaque: owner)
        writer.write(verifier)
        for word in [flavor, user, minor] { writer.write(word) }
        writer.write(address)
        writer.write(clientID)
        writer.write(denies)
        writer.write(mayReclaim)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        owner = Array(try reader.opaque(limit: 1_024))
        verifier = try reader.uint64()
        flavor = try reader.uint32()
        user = try reader.uint32()
        minor = try reader.uint32()
        address = try reader.string(limit: 64)
        clientID = try reader.uint64()
        denies = try reader.bool()
        mayReclaim = try reader.bool()
    }
}

extension NFSClientEntry: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(number)
        writer.write(node)
        writer.write(identity)
        writer.write(registered)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        number = try reader.uint64()
        node = try reader.value()
        identity = try reader.value()
        registered = try reader.value()
    }
}

extension NFSRegistration: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(number)
        for flag in [isKnown, othersMissing, othersDeny] { writer.write(flag) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            number: try reader.uint64(), isKnown: try reader.bool(), othersMissing: try reader.bool(), othersDeny: try reader.bool())
    }
}

extension NFSClientTable: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(next)
        writer.write(entries)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        next = try reader.uint64()
        guard next >= Self.first else { throw .badValue(what: "next number of an NFS client", value: next) }
        var last = Self.first - 1
        for entry in try reader.array(NFSClientEntry.self, limit: Self.capacity) {
            guard entry.number > last, entry.number < next else { throw .badValue(what: "number of an NFS client", value: entry.number) }
            last = entry.number
            entries.append(entry)
        }
    }
}
