import Primitives

/// What a member said of itself under one incarnation. It is the same wherever it came to, and never changes: records,
/// packets and exchanges that hold it share one copy, which is told from another by looking where it lies before anything
/// of it is compared.
final class MemberWords: Hashable, Sendable {
    let id: NodeID
    /// The member's incarnation when it said so.
    let incarnation: UInt64
    let region: RegionID
    let endpoints: [NamedEndpoint]
    let run: UInt64
    let facts: MemberFacts
    /// Where its datagrams go: looked up for each of them.
    let gossip: Endpoint?
    /// Of a record that holds them.
    let encodedBytes: Int

    init(id: NodeID, incarnation: UInt64, region: RegionID, endpoints: [NamedEndpoint], run: UInt64, facts: MemberFacts) {
        self.id = id
        self.incarnation = incarnation
        self.region = region
        self.endpoints = endpoints
        self.run = run
        self.facts = facts
        gossip = endpoints.first { $0.name == NamedEndpoint.gossip }?.endpoint
        encodedBytes = endpoints.reduce(32 + XDRWriter.bytes(of: region.name) + facts.encodedBytes) {
            $0 + XDRWriter.bytes(of: $1.name) + $1.endpoint.encodedBytes
        }
    }

    /// The same, some of it replaced.
    func replacing(
        incarnation: UInt64, region: RegionID? = nil, endpoints: [NamedEndpoint]? = nil, run: UInt64? = nil, facts: MemberFacts? = nil
    ) -> MemberWords {
        MemberWords(
            id: id, incarnation: incarnation, region: region ?? self.region, endpoints: endpoints ?? self.endpoints,
            run: run ?? self.run, facts: facts ?? self.facts)
    }

    /// Whether those of a record of the same member, under its incarnation, are no news beside these.
    func areNewer(than record: MemberRecord) -> Bool {
        if record.incarnation != incarnation { return record.incarnation < incarnation }
        return record.words === self || record.run != run || record.facts.version <= facts.version
    }

    /// Whether they say the same, under whatever incarnation.
    func agree(with other: MemberWords) -> Bool {
        self === other || run == other.run && region == other.region && endpoints == other.endpoints && facts == other.facts
    }

    static func == (a: MemberWords, b: MemberWords) -> Bool {
        a.id == b.id && a.incarnation == b.incarnation && a.agree(with: b)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(incarnation)
        hasher.combine(run)
    }
}
