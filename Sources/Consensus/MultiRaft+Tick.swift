import Primitives

extension MultiRaft {
    func isTicking(_ group: GroupID) -> Bool {
        let place = Self.insertionPoint(of: group, in: ticking)
        return place < ticking.count && ticking[place] == group
    }

    mutating func startTicking(_ group: GroupID, at: Instant, into effects: inout [MultiRaftEffect]) {
        let place = Self.insertionPoint(of: group, in: ticking)
        if place == ticking.count || ticking[place] != group { ticking.insert(group, at: place) }
        if tickAt.map({ at < $0 }) ?? true {
            tickAt = at
            effects.append(.startTimer(.tick, at: at))
        }
    }

    mutating func stopTicking(_ group: GroupID) {
        let place = Self.insertionPoint(of: group, in: ticking)
        if place < ticking.count, ticking[place] == group { ticking.remove(at: place) }
    }

    mutating func stopTicking(_ group: GroupID, into effects: inout [MultiRaftEffect]) {
        stopTicking(group)
        if ticking.isEmpty, tickAt != nil {
            tickAt = nil
            effects.append(.cancelTimer(.tick))
        }
    }

    /// Beats for all groups that are due, and for those that would be due soon: so groups fall into
    /// step, and their heartbeats into the same batches.
    mutating func tick(now: Instant, into effects: inout [MultiRaftEffect]) {
        guard let due = tickAt else { return }
        guard due <= now else {
            effects.append(.startTimer(.tick, at: due))
            return
        }
        let groups = ticking
        for group in groups {
            guard let place = slot(of: group), states[place].tickIfDueSoon(now: now, into: &scratch) else { continue }
            translate(place, into: &effects)
            states[place].flush(into: &scratch)
            translate(place, into: &effects)
            // One that stopped beating in its beat has no timer to cancel.
            if states[place].heartbeatDeadline == nil { stopTicking(group) }
        }
        // Groups that beat on have armed nothing that is earlier than the tick just past.
        tickAt = nil
        var next = Instant.distantFuture
        for group in ticking {
            guard let place = slot(of: group), let deadline = states[place].heartbeatDeadline else { continue }
            next = min(next, deadline)
        }
        guard !ticking.isEmpty else { return }
        tickAt = next
        effects.append(.startTimer(.tick, at: next))
    }
}

extension RaftState {
    /// The tick of a leader whose heartbeat is due within half an interval.
    mutating func tickIfDueSoon(now: Instant, into effects: inout [RaftEffect]) -> Bool {
        self.now = max(self.now, now)
        guard let deadline = heartbeatDeadline, deadline <= self.now + timing.heartbeatInterval / 2 else { return false }
        armedHeartbeat = nil
        tick(into: &effects)
        return true
    }
}
