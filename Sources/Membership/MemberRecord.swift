package import Primitives

/// What a node believes of a member. The raw values are their precedence within one incarnation
/// (SWIM §4.2): a later one overrides an earlier one, and only a higher incarnation goes back.
package enum MemberStatus: UInt32, Hashable, Comparable, Sendable, CaseIterable, CustomStringConvertible {
    case alive = 0
    case suspect = 1
    case dead = 2
    /// It said goodbye: no failure.
    case left = 3

    package static func < (a: MemberStatus, b: MemberStatus) -> Bool { a.rawValue < b.rawValue }
    /// Alive or suspect: still probed, still told.
    package var isPresent: Bool { self <= .suspect }
    package var description: String {
        switch self {
        case .alive: "alive"
        case .suspect: "suspect"
        case .dead: "dead"
        case .left: "left"
        }
    }
}

/// A member as one node knows it, and as it travels.
///
/// `incarnation` is the member's own counter: only the member itself raises it, to refute what is
/// said of it, and a restarted node must come back with a higher one (persist it, or begin with the
/// wall time in seconds; SWIM heals a lower one within a round trip by raising it). `run` is drawn at
/// random by each start of the process: two runs that both go on raising one NodeID's incarnation are
/// two nodes that claim one name.
package struct MemberRecord: Hashable, Sendable, XDRCodable {
    /// Bytes of a record's encoding at most, so that any record fits a packet beside its header.
    package static let encodedLimit = 800
    package static let endpointsMax = 8
    /// Incarnations above this are refused: nobody counts that far, and adding one must not overflow.
    package static let incarnationMax: UInt64 = 1 << 62

    package let id: NodeID
    package var incarnation: UInt64
    package var status: MemberStatus
    /// An accusation can raise `incarnation` above theirs.
    var words: MemberWords

    package init(
        id: NodeID, region: RegionID, endpoints: [NamedEndpoint], incarnation: UInt64, run: UInt64,
        status: MemberStatus = .alive, facts: MemberFacts = MemberFacts()
    ) {
        self.id = id
        self.incarnation = incarnation
        self.status = status
        words = MemberWords(id: id, incarnation: incarnation, region: region, endpoints: endpoints, run: run, facts: facts)
    }

    package var region: RegionID {
        get { words.region }
        set { words = words.replacing(incarnation: incarnation, region: newValue) }
    }
    package var endpoints: [NamedEndpoint] {
        get { words.endpoints }
        set { words = words.replacing(incarnation: incarnation, endpoints: newValue) }
    }
    package var run: UInt64 {
        get { words.run }
        set { words = words.replacing(incarnation: incarnation, run: newValue) }
    }
    package var facts: MemberFacts {
        get { words.facts }
        set { words = words.replacing(incarnation: incarnation, facts: newValue) }
    }

    /// The words, as said under the record's own incarnation.
    var wordsOfIncarnation: MemberWords {
        words.incarnation == incarnation ? words : words.replacing(incarnation: incarnation)
    }

    package static func == (a: MemberRecord, b: MemberRecord) -> Bool {
        a.id == b.id && a.incarnation == b.incarnation && a.status == b.status && a.words.agree(with: b.words)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(incarnation)
        hasher.combine(status)
        hasher.combine(words.run)
    }

    package func endpoint(_ name: String) -> Endpoint? { endpoints.first { $0.name == name }?.endpoint }
    /// Where its datagrams go. `validate` makes sure that there is one.
    package var gossip: Endpoint? { words.gossip }
    /// Where push/pull connects to.
    package var peer: Endpoint? { endpoint(NamedEndpoint.peer) }

    /// Why this record cannot be a member's, or nil: ask before making a `SWIMState` of it.
    package var problem: MembershipError? {
        if gossip == nil { return .missingEndpoint(id, NamedEndpoint.gossip) }
        if peer == nil { return .missingEndpoint(id, NamedEndpoint.peer) }
        if endpoints.count > Self.endpointsMax { return .tooMany(id, what: "endpoints", count: endpoints.count, limit: Self.endpointsMax) }
        if facts.labels.count > MemberFacts.labelsMax {
            return .tooMany(id, what: "labels", count: facts.labels.count, limit: MemberFacts.labelsMax)
        }
        if incarnation > Self.incarnationMax { return .badIncarnation(id, incarnation) }
        let size = xdrBytes.count
        if size > Self.encodedLimit { return .tooLarge(id, bytes: size, limit: Self.encodedLimit) }
        // What the decoder refuses elsewhere (names and hosts that are too long) shows here first.
        guard (try? MemberRecord(xdr: xdrBytes)) == self else { return .unreadable(id) }
        return nil
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(region)
        writer.write(endpoints)
        writer.write(incarnation)
        writer.write(run)
        writer.write(status.rawValue)
        writer.write(facts)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let before = reader.remaining
        let id = try reader.value(NodeID.self)
        let region = try reader.value(RegionID.self)
        let endpoints = try reader.array(NamedEndpoint.self, limit: Self.endpointsMax)
        let incarnation = try reader.incarnation()
        let run = try reader.uint64()
        let status = try reader.status()
        let facts = try reader.value(MemberFacts.self)
        let size = before - reader.remaining
        guard size <= Self.encodedLimit else { throw .tooLong(length: size, limit: Self.encodedLimit) }
        self.init(id: id, region: region, endpoints: endpoints, incarnation: incarnation, run: run, status: status, facts: facts)
        guard gossip != nil, peer != nil else { throw .badValue(what: "member without gossip and peer endpoints", value: id.rawValue) }
    }
}

extension XDRReader {
    /// An incarnation that one can still be added to.
    mutating func incarnation() throws(XDRError) -> UInt64 {
        let value = try uint64()
        guard value <= MemberRecord.incarnationMax else { throw .badValue(what: "incarnation", value: value) }
        return value
    }

    mutating func status() throws(XDRError) -> MemberStatus {
        let raw = try uint32()
        guard let status = MemberStatus(rawValue: raw) else { throw .badValue(what: "member status", value: UInt64(raw)) }
        return status
    }
}

/// Why a member's record is refused before it is ever sent.
package enum MembershipError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingEndpoint(NodeID, String)
    case tooMany(NodeID, what: String, count: Int, limit: Int)
    case tooLarge(NodeID, bytes: Int, limit: Int)
    case badIncarnation(NodeID, UInt64)
    case unreadable(NodeID)

    package var description: String {
        switch self {
        case .missingEndpoint(let id, let name):
            "member \(id): no endpoint named \(name); configure the address where the node listens for it"
        case .tooMany(let id, let what, let count, let limit):
            "member \(id): \(count) \(what), at most \(limit); leave some out of the node's configuration"
        case .tooLarge(let id, let bytes, let limit):
            "member \(id): its record takes \(bytes) bytes, at most \(limit); shorten host names or drop labels"
        case .badIncarnation(let id, let value):
            "member \(id): incarnation \(value) is out of range; start from the wall time in seconds"
        case .unreadable(let id):
            "member \(id): a name, host, version or label is longer than the wire allows; shorten it"
        }
    }
}
