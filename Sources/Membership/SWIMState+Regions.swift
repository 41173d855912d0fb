import Primitives

// Regions: the cut that is one (deviation 11), and this node's row of the measured table.
extension SWIMState {
    /// Whether a region other than our own just became unreachable, or reachable again. `isAlive` where the member that
    /// is looked at is alive: then nobody else of thousands need be.
    mutating func judge(_ region: RegionID, isAlive: Bool = false, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard region != me.region else { return }
        var down: [NodeID] = []
        var isAnyAlive = isAlive
        let place = cuts.firstIndex { $0.region == region }
        if isAlive, place == nil { return }
        for index in peers.indices where peers[index].record.region == region {
            switch peers[index].record.status {
            case .alive: isAnyAlive = true
            case .suspect, .dead: down.append(peers[index].id)
            case .left: break
            }
            if isAnyAlive { break }
        }
        if let place, isAnyAlive || down.isEmpty {
            cuts.remove(at: place)
            if isAnyAlive { effects.append(.regionReachable(region)) }
        } else if place == nil, !isAnyAlive, !down.isEmpty {
            let cut = RegionCut(region: region, since: now)
            cuts.insert(cut, at: cuts.firstIndex { region < $0.region } ?? cuts.count)
            effects.append(.regionUnreachable(region, members: down))
        }
    }

    /// Whether the member went down with its region rather than alone.
    func isPartOfCut(_ index: Int) -> Bool {
        let region = peers[index].record.region
        guard let cut = cuts.first(where: { $0.region == region }) else { return false }
        return peers[index].downSince.nanoseconds >= cut.since.nanoseconds - settings.regionWindow.inNanoseconds
    }

    /// Whether this node publishes its row: the present members of a region with the lowest ids do.
    var isReporter: Bool {
        var lower = 0
        for index in peers.indices {
            guard known[index].id < me.id else { break }
            if turns[index].isPresent, known[index].region == me.region { lower += 1 }
            if lower == RegionTable.reportersPerRegion { return false }
        }
        return true
    }

    mutating func reckonTable(_ now: Instant, _ effects: inout [SWIMEffect]) {
        purge(now, &effects)
        let isPublisher = isReporter && phase == .running
        let measured = peers.indices.filter { !peers[$0].roundTrips.isEmpty }
        for region in regions(of: measured) {
            guard let fact = ownFact(to: region, measured) else { continue }
            let old = regionTable.fact(from: me.region, to: region, reporter: me.id)
            // Every reckoning counts here at once; others are told what moved, and the rest now and then.
            guard regionTable.merge(fact, now: now), isPublisher else { continue }
            let last = tablePublished[region]
            let isDue = last.map { now.nanoseconds - $0.nanoseconds >= settings.tableRefresh.inNanoseconds } ?? true
            if isDue || (old.map { fact.differs(from: $0.fact) } ?? true) {
                tablePublished[region] = now
                spread(.link(fact), now, &effects)
            }
        }
        tableTimer = arm(.table, at: now + settings.tablePeriod, &effects)
    }

    private func regions(of measured: [Int]) -> [RegionID] {
        var distinct: [RegionID] = []
        for index in measured where !distinct.contains(known[index].region) { distinct.append(known[index].region) }
        return distinct.sorted()
    }

    /// This node's measurements to one region: the median over its peers there.
    private mutating func ownFact(to region: RegionID, _ measured: [Int]) -> RegionLinkFact? {
        var medians: [UInt32] = []
        var tails: [UInt32] = []
        var least = UInt32.max
        var samples: UInt64 = 0
        for index in measured where known[index].region == region {
            medians.append(peers[index].roundTrips.quantile(50))
            tails.append(peers[index].roundTrips.quantile(90))
            least = min(least, peers[index].roundTrips.quantile(0))
            samples += peers[index].roundTrips.total
        }
        guard !medians.isEmpty else { return nil }
        medians.sort()
        tails.sort()
        linkVersion &+= 1
        return RegionLinkFact(
            reporter: me.id, from: me.region, to: region, incarnation: me.incarnation, version: linkVersion,
            median: medians[(medians.count - 1) / 2], p90: tails[max(0, (tails.count * 9 + 9) / 10 - 1)], minimum: least,
            samples: UInt32(clamping: samples))
    }
}
