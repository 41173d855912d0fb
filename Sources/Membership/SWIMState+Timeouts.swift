import Primitives

// How long to wait for whom (deviation 2). All in nanoseconds, before the health multiplier.
extension SWIMState {
    static let slack: Int64 = 50_000_000

    /// The wait for a direct ack.
    func directNanoseconds(to index: Int) -> Int64 {
        let window = peers[index].roundTrips
        if !window.isEmpty { return bounded(Int64(window.quantile(90)) * 1_500 + Self.slack) }
        return estimated(estimateNanoseconds(from: me.region, coordinate, to: index))
    }

    /// How long a helper should wait before it sends a nack.
    func patienceNanoseconds(of helper: Int, for target: Int) -> Int64 {
        let from = peers[helper]
        guard let place = from.coordinate else {
            return estimated(regionTable.medianNanoseconds(between: from.record.region, and: peers[target].record.region))
        }
        return estimated(estimateNanoseconds(from: from.record.region, place, to: target))
    }

    /// The expected round trip to a peer that was not measured from there: by the table, else by coordinates.
    func estimateNanoseconds(from region: RegionID, _ place: NetworkCoordinate, to index: Int) -> Int64? {
        if let measured = regionTable.medianNanoseconds(between: region, and: peers[index].record.region) { return measured }
        guard let other = peers[index].coordinate, place.error < 1, other.error < 1 else { return nil }
        return Int64(place.distance(to: other) * 1_000_000)
    }

    private func estimated(_ estimate: Int64?) -> Int64 {
        guard let estimate else { return settings.probeTimeoutUnknown.inNanoseconds }
        return bounded(estimate * 2 + 2 * Self.slack)
    }

    private func bounded(_ nanoseconds: Int64) -> Int64 {
        max(settings.probeTimeoutMinimum.inNanoseconds, min(settings.probeTimeoutMaximum.inNanoseconds, nanoseconds))
    }

    /// The least and greatest time of a suspicion of that peer, and the accusers that make it the least.
    func suspicionTimes(_ index: Int) -> (shortest: Int64, longest: Int64, needed: Int) {
        let scale = max(1, Logarithm.base10(Double(presentCount)))
        var shortest = Int64(Double(settings.suspicionMinimum.inNanoseconds) * scale)
        // Time for the news to reach the suspect and for its refutation to come back, twice.
        let window = peers[index].roundTrips
        if !window.isEmpty { shortest = max(shortest, Int64(window.quantile(50)) * 4_000 + settings.gossipInterval.inNanoseconds * 4) }
        // Everybody but the suspect can accuse; one for being the first, one for being out of order itself.
        // Where none is left to confirm the shortest time must do.
        let needed = settings.guards.dynamicSuspicion ? max(0, min(settings.confirmations, presentCount - 3)) : 0
        return (shortest, needed == 0 ? shortest : shortest * Int64(settings.suspicionMaximumFactor), needed)
    }
}
