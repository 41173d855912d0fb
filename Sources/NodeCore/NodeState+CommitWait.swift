import Filesystem
import Membership
import Primitives
import Replication

// Waiting, after a commit is published, until the regions that its client named have it.

extension NodeState {
    func requireRegions(_ wait: CommitWait, _ session: SessionContext) throws(Interrupt) {
        guard case .regions(let named) = wait, let record = catalogRecord(session.filesystem) else { return }
        for region in named where !record.plan.regions.contains(region) {
            throw .failure(
                FileFailure(
                    .notFound, operation: "commit", object: label(session.filesystem), cause: "it has no replica in \(region)",
                    hint: "nothing was published; its regions are \(record.plan.regions.map(\.name).joined(separator: ", "))"))
        }
    }

    /// Refuses a commit that every region must hold while one of them is not there: it would be published and
    /// then wait for that region.
    func requireAllRegions(_ session: SessionContext) throws(Interrupt) {
        guard let record = catalogRecord(session.filesystem), record.policy.durability == .all else { return }
        // One that is only suspected may answer yet.
        let away = record.plan.regions.filter { region in
            !record.plan.replicas.contains { $0.region == region && swim.isPresent($0.node) }
        }.map(\.name)
        guard away.isEmpty else {
            throw .failure(
                FileFailure(
                    .unavailable, operation: "commit", object: label(session.filesystem),
                    cause:
                        "every region must hold what it commits (durability all), and no replica answers in \(away.joined(separator: ", "))",
                    hint: "nothing was published; commit again when it is back, see `atoll volume status`"))
        }
    }

    /// Whom to ask, and whether these regions are enough.
    private func goal(_ wait: CommitWait, _ record: FilesystemRecord) -> (asked: [RegionID], isReached: ([RegionID]) -> Bool)? {
        let wanted: [RegionID]
        switch wait {
        case .policy: return nil
        case .local: wanted = [settings.region]
        case .majority:
            let rule = CommitRule(durability: .majority, plan: record.plan)
            return (record.plan.regions, { rule.isSatisfied(regionsHolding: $0) })
        case .all: wanted = record.plan.regions
        case .regions(let named): wanted = named
        }
        return (wanted, { held in wanted.allSatisfy { held.contains($0) } })
    }

    /// One replica in each region that is asked, and this one, says when it has applied the commit and synced it; the
    /// copies of its chunks are this node's own pushes.
    mutating func waitForRegions(
        _ wait: CommitWait, _ session: SessionContext, _ placed: [UInt64], _ index: UInt64, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let record = catalogRecord(session.filesystem),
            let (asked, isReached) = goal(record.policy.durability == .all ? .all : wait, record)
        else { return }
        var applied: [RegionID] = []
        var isWaiting = false
        for (number, region) in record.plan.regions.enumerated() where asked.contains(region) || region == settings.region {
            guard let replica = region == settings.region ? settings.id : nearestReplica(record, in: region) else { continue }
            do throws(Interrupt) {
                // All are asked at the same time.
                _ = try step(Step(.applied, 1 + number), &progress) { node, token in
                    node.call(session.group, .awaitApplied(index: index), fixed: replica, token: token)
                }
                applied.append(region)
            } catch {
                if case .waiting = error { isWaiting = true } else if wait != .majority { throw error }
            }
        }
        guard isReached(applied) else {
            if isWaiting { throw .waiting }
            throw .failure(notEverywhere(session))
        }
        let have = applied
        func isComplete(_ entry: Placement) -> Bool { isReached(entry.completeRegions(of: have)) }
        try waitForPlacement(placed, number: 1, &progress, until: isComplete)
        for id in placed where placements[id].map({ !isComplete($0) }) ?? false {
            if isWaiting { throw .waiting }
            throw .failure(notEverywhere(session))
        }
        // They were asked side by side: one wait for the farthest.
        let far = UInt32(applied.count { $0 != settings.region })
        if far > 1, progress.charged.insert(Step(.applied, 1)).inserted { progress.cost.wideAreaRoundTrips -= far - 1 }
    }

    /// Nothing was staged: waits until the regions that the client named have the newest version whole, as they told last.
    mutating func waitForWhole(
        _ version: VersionID, _ wait: CommitWait, _ session: SessionContext, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let record = catalogRecord(session.filesystem), let (_, isReached) = goal(wait, record) else { return }
        var round = 0
        while !isReached(regionsWhole(version, session.group)) {
            // What has been waited for is over; each run begins one wait more.
            while progress.ended[Step(.wait, round)] != nil { round += 1 }
            _ = try step(Step(.wait, round), &progress) { node, token in node.pauses.append((node.now + .milliseconds(200), token)) }
        }
    }

    /// Regions that hold this version and its content, as they told last; this one as it is.
    func regionsWhole(_ version: VersionID, _ group: GroupID) -> [RegionID] {
        lag(of: group).filter { $0.version >= version }.map(\.region)
    }

    private func notEverywhere(_ session: SessionContext) -> FileFailure {
        FileFailure(
            .unavailable, operation: "commit", object: session.filesystem.description,
            cause: "it is published, but not every region asked for holds its content",
            hint: "see `atoll volume status`; the copies go on")
    }
}
