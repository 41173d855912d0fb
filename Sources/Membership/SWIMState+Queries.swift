package import Primitives

extension SWIMState {
    /// All members that this node knows of, itself and tombstones included, ordered by id.
    package var members: [MemberRecord] {
        var all = peers.map(\.record)
        all.insert(me, at: position(of: me.id))
        return all
    }

    package func member(_ id: NodeID) -> MemberRecord? {
        id == me.id ? me : index(of: id).map { peers[$0].record }
    }

    package func isPresent(_ id: NodeID) -> Bool { id == me.id || index(of: id).map { peers[$0].record.status.isPresent } ?? false }

    /// Members alive or suspect, this node included.
    package var presentMembers: Int { presentCount }

    /// What was measured to a member.
    package func roundTrip(to id: NodeID) -> RoundTripSummary? {
        index(of: id).flatMap { peers[$0].roundTrips.summary }
    }

    /// The medians of what was measured, by member.
    package var medianRoundTrips: [(NodeID, Duration)] {
        var out: [(NodeID, Duration)] = []
        out.reserveCapacity(known.count)
        for place in peers.indices where !peers[place].roundTrips.isEmpty {
            out.append((known[place].id, .microseconds(Int64(peers[place].roundTrips.quantile(50)))))
        }
        return out
    }

    /// The members that are neither alive nor suspect, by id.
    package var absentMembers: [NodeID] { turns.indices.filter { !turns[$0].isPresent }.map { known[$0].id } }

    /// The best guess at the round trip to a member: measured to it, measured between the regions, by coordinates.
    package func estimatedRoundTrip(to id: NodeID) -> Duration? {
        guard id != me.id else { return .zero }
        guard let index = index(of: id) else { return nil }
        if !peers[index].roundTrips.isEmpty { return .microseconds(Int64(peers[index].roundTrips.quantile(50))) }
        return estimateNanoseconds(from: me.region, coordinate, to: index).map { .nanoseconds($0) }
    }

    /// A member's coordinate, as last heard.
    package func coordinate(of id: NodeID) -> NetworkCoordinate? {
        id == me.id ? coordinate : index(of: id).flatMap { peers[$0].coordinate }
    }

    /// Lifeguard's score: 0 is healthy, higher means that this node itself seems slow.
    package var localHealth: Int { health.score }

    /// When a member was last heard of directly.
    package func lastHeard(_ id: NodeID) -> Instant? {
        index(of: id).map { turns[$0].heardAt }.flatMap { $0.nanoseconds == .min ? nil : $0 }
    }

    /// Regions none of whose members is reachable, in order.
    package var unreachableRegions: [RegionID] { cuts.map(\.region) }

    /// All regions of members that have not left, in order.
    package var regions: [RegionID] {
        var names = peers.filter { $0.record.status != .left }.map(\.record.region)
        names.append(me.region)
        names.sort()
        var distinct: [RegionID] = []
        for name in names where distinct.last != name { distinct.append(name) }
        return distinct
    }

    /// The round trip between two regions: measured in that direction, else in the other, else by the
    /// coordinates of up to three members of each (their median).
    package func rtt(from: RegionID, to: RegionID) -> Duration? {
        if let measured = regionTable.medianNanoseconds(between: from, and: to) { return .nanoseconds(measured) }
        let starts = places(in: from)
        let ends = places(in: to)
        var distances: [Double] = []
        for (id, start) in starts {
            for (other, end) in ends where other != id { distances.append(start.distance(to: end)) }
        }
        guard !distances.isEmpty else { return nil }
        distances.sort()
        return .microseconds(Int64(distances[(distances.count - 1) / 2] * 1_000))
    }

    private func places(in region: RegionID) -> [(NodeID, NetworkCoordinate)] {
        var found: [(NodeID, NetworkCoordinate)] = []
        if region == me.region, coordinate.error < 1 { found.append((me.id, coordinate)) }
        for peer in peers where peer.record.region == region && peer.record.status.isPresent && found.count < 3 {
            if let place = peer.coordinate, place.error < 1 { found.append((peer.id, place)) }
        }
        return found
    }

    /// Where members may be found that this node does not know yet.
    package var seedsToAsk: [Endpoint] { seeds }

    package var isLeaving: Bool { phase == .leaving || phase == .left }
}
