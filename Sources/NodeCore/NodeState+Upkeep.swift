import Filesystem
import Membership
import Namespace
import Primitives
import Replication

// Rounds of upkeep (`ChunkUpkeep`): confirm, walk over all names, repair what is missing.

extension NodeState {
    private static let turn: Duration = .milliseconds(20)

    /// Every second: whether a round is due.
    mutating func upkeepDue(into effects: inout [Effect]) {
        noteAbsences()
        vouchForSessions(into: &effects)
        purgeDeleted(into: &effects)
        beginAdoptions(into: &effects)
        if upkeep.due == nil, knowsCatalog { upkeep.due = now + settings.upkeep.firstRound }
        guard upkeep.phase == .idle, let due = upkeep.due, due <= now, upkeep.missing.isEmpty, upkeep.repairs == 0 else { return }
        upkeep.phase = .confirming
        upkeep.maySweep = false
        upkeep.foundMissing = false
        upkeep.groups = []
        upkeep.marks.begin(ranges: upkeep.ranges, groups: [], now: now)
        begin(.background(.confirmNames), deadline: now + .seconds(60), into: &effects)
    }

    private mutating func noteAbsences() {
        let absent = swim.absentMembers
        guard !absent.isEmpty || !upkeep.absentSince.isEmpty else { return }
        for id in upkeep.absentSince.keys where !absent.contains(id) && swim.member(id) != nil { _ = upkeep.absentSince.remove(id) }
        for id in absent where !upkeep.absentSince.contains(id) { upkeep.absentSince[id] = now }
    }

    /// Something is known to be missing: the next round is soon.
    mutating func hastenUpkeep() {
        if let due = upkeep.due { upkeep.due = min(due, now + .seconds(1)) }
    }

    // MARK: Confirming

    /// Brings the replicas here to a state that holds all that was committed when the round began.
    mutating func performConfirmation(_ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt) {
        let index = try patientReadIndex(.catalog, &progress, into: &effects)
        try waitApplied(.catalog, index, Step(.applied), &progress)
        if progress.attempt == 0 {
            progress.attempt = 1
            upkeep.groups = catalog.filesystems.values.filter { $0.isActive && hasFiles($0.group) }.map(\.group)
            upkeep.marks.begin(ranges: upkeep.ranges, groups: upkeep.groups, now: now)
        }
        // Many are asked at the same time, and all of those looked at again with each answer: so not all of thousands.
        while progress.attempt <= upkeep.groups.count {
            let first = progress.attempt - 1
            let last = min(first + Self.confirmedAtOnce, upkeep.groups.count)
            var isWaiting = false
            for number in first..<last where groups.contains(upkeep.groups[number]) {
                let group = upkeep.groups[number]
                do throws(Interrupt) {
                    let index = try readIndex(group, Step(.readIndex, 100_000 + number), &progress, into: &effects)
                    try waitApplied(group, index, Step(.applied, 1 + number), &progress)
                } catch {
                    guard case .waiting = error else { throw error }
                    isWaiting = true
                }
            }
            if isWaiting { throw .waiting }
            progress.attempt += Self.confirmedAtOnce
        }
    }

    private static var confirmedAtOnce: Int { 1_024 }

    private func hasFiles(_ group: GroupID) -> Bool { groups.with(group) { $0.machine.files != nil } ?? false }

    /// Without the leaders' word nothing is swept; what is missing is fetched all the same.
    mutating func finishConfirmation(isConfirmed: Bool, into effects: inout [Effect]) {
        guard upkeep.phase == .confirming else { return }
        upkeep.maySweep = isConfirmed && !mayHoldUnknownNames
        if isConfirmed, !upkeep.maySweep { counters.sweepsHeldBack += 1 }
        upkeep.phase = .scanning
        upkeep.scans = []
        var states = OrderedTable<GroupID, NamespaceState>()
        let table = tableForUpkeep()
        for group in upkeep.groups {
            guard let state = groups.with(group, { $0.machine.files?.namespace }) ?? nil else {
                upkeep.maySweep = false
                continue
            }
            states[group] = state
            upkeep.scans.append(
                ChunkUpkeep.Scan(
                    finishes: group, repairs: group, placement: placement(of: group, by: table), names: .scan(ChunkScan(state))))
            if let earlier = upkeep.earlier[group] { markOnly(.scan(ChunkScan(earlier, besides: state))) }
        }
        upkeep.earlier = states
        for (_, session) in sessions {
            guard let volume = session.volume, !session.isDeleted else { continue }
            // Where the replica has left this node, nothing else here names what the session sees.
            for tree in volume.trees { markOnly(.scan(ChunkScan(tree, besides: states[session.group]?.tree))) }
        }
        for (_, placement) in placements where placement.pushesLeft > 0 { markOnly(.list(placement.chunks)) }
        armUpkeep(into: &effects)
    }

    private mutating func markOnly(_ names: ChunkUpkeep.Scan.Names) {
        upkeep.scans.append(ChunkUpkeep.Scan(finishes: nil, repairs: nil, placement: nil, names: names))
    }

    /// Whether chunks may lie here of a file system whose replica here has not begun, so that nobody here
    /// knows their names.
    private var mayHoldUnknownNames: Bool {
        catalog.filesystems.contains { entry in
            let record = entry.value
            return record.isActive && record.plan.contains(settings.id) && !hasFiles(record.group)
        }
    }

    /// Who is away for a while only keeps its place.
    private func tableForUpkeep() -> Replication.RegionTable {
        var table = regionTable()
        for node in table.nodes where !node.isAlive {
            let since = upkeep.absentSince[node.id] ?? now
            if since + settings.upkeep.absence > now { table.setAlive(node.id, true) }
        }
        return table
    }

    private func placement(of group: GroupID, by table: Replication.RegionTable) -> ChunkPlacement? {
        withRecord(of: group) { ChunkPlacement(plan: $0.plan, policy: $0.policy, table: table) }
    }

    // MARK: Walking

    mutating func armUpkeep(into effects: inout [Effect]) {
        guard !upkeep.isTicking else { return }
        upkeep.isTicking = true
        effects.append(.startTimer(.upkeep, generation: 0, at: now + Self.turn))
    }

    mutating func upkeepTurn(into effects: inout [Effect]) {
        upkeep.isTicking = false
        switch upkeep.phase {
        case .idle, .confirming: break
        case .scanning: if upkeep.audits.count < ChunkUpkeep.auditLimit { scan(into: &effects) }
        case .sweeping: sweepTurn(into: &effects)
        }
        repair(into: &effects)
        let isBusy = upkeep.phase == .scanning || upkeep.phase == .sweeping || !upkeep.missing.isEmpty
        if isBusy { armUpkeep(into: &effects) }
    }

    private mutating func scan(into effects: inout [Effect]) {
        guard var current = upkeep.scans.popLast() else {
            if upkeep.audits.isEmpty { endScan() }
            return
        }
        var names: [ChunkReference] = []
        switch current.names {
        case .list(let chunks): names = chunks
        case .scan(var scan):
            if let portion = scan.next(limit: settings.upkeep.slice) {
                names = portion
                current.names = .scan(scan)
                upkeep.scans.append(current)
            } else if let group = current.finishes {
                try? upkeep.marks.finish(group)
            }
        }
        if upkeep.marks.isMarking {
            do { try upkeep.marks.mark(names) } catch {
                upkeep.maySweep = false
                upkeep.narrowRanges()
            }
        }
        guard let group = current.repairs, let placement = current.placement else { return }
        let mine = names.filter { placement.isTarget(settings.id, of: $0.id) }
        guard !mine.isEmpty else { return }
        let token = requests.makeToken()
        upkeep.audits[token] = group
        effects.append(.chunks(.audit(mine, token)))
    }

    private mutating func endScan() {
        counters.chunkRounds += 1
        let interval = settings.upkeep.interval
        // A round that marked all it could ends with the sweep.
        guard upkeep.maySweep, upkeep.marks.isMarking else {
            upkeep.marks.end()
            upkeep.phase = .idle
            upkeep.due = now + (upkeep.foundMissing ? interval / 10 : interval)
            return
        }
        beginSweep()
    }

    // MARK: Repair

    /// Looks for what commands named a few seconds ago.
    private mutating func beginAdoptions(into effects: inout [Effect]) {
        while upkeep.audits.count < 64, let first = upkeep.adoptions.first, first.at <= now {
            _ = upkeep.adoptions.pop()
            for start in stride(from: 0, to: first.chunks.count, by: 1_024) {
                let token = requests.makeToken()
                upkeep.audits[token] = first.group
                effects.append(.chunks(.audit(Array(first.chunks[start..<min(start + 1_024, first.chunks.count)]), token)))
            }
        }
    }

    /// What the store lacks of what it was asked for.
    mutating func audited(_ token: WaitToken, _ missing: [ChunkReference], into effects: inout [Effect]) {
        guard let group = upkeep.audits.remove(token) else {
            // A request asked.
            resolve(token, missing.isEmpty ? .done : .missing(missing.map(\.id)))
            return
        }
        counters.chunksMissing += UInt64(missing.count)
        if !missing.isEmpty { upkeep.foundMissing = true }
        for chunk in missing where !upkeep.missing.push(ChunkUpkeep.Missing(group: group, chunk: chunk)) { break }
        armUpkeep(into: &effects)
    }

    /// Fetches the next of what is missing: one batch of a group at a time, and no more bytes a second than is set.
    private mutating func repair(into effects: inout [Effect]) {
        guard upkeep.repairs < ChunkUpkeep.repairLimit, upkeep.repairAt <= now, let first = upkeep.missing.first else { return }
        var batch: [ChunkReference] = []
        var bytes: UInt64 = 0
        while batch.count < 64, let next = upkeep.missing.first, next.group == first.group, bytes < 8 << 20 {
            _ = upkeep.missing.pop()
            batch.append(next.chunk)
            bytes += UInt64(next.chunk.length)
        }
        upkeep.repairs += 1
        upkeep.repairAt = now + .microseconds(Int64(bytes * 1_000_000 / max(1, settings.upkeep.repairBytesPerSecond)))
        begin(.background(.repairChunks(first.group, batch)), deadline: now + .seconds(120), into: &effects)
    }

    mutating func finishRepair(_ chunks: [ChunkReference], _ failure: FileFailure?, into effects: inout [Effect]) {
        upkeep.repairs -= 1
        if failure == nil {
            counters.chunksRepaired += UInt64(chunks.count)
        } else {
            counters.adoptionsFailed += 1
            if let due = upkeep.due { upkeep.due = min(due, now + settings.upkeep.interval / 10) }
        }
        if !upkeep.missing.isEmpty { armUpkeep(into: &effects) }
    }
}
