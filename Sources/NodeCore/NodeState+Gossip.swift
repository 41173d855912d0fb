import Consensus
import Membership
import Primitives

// SWIM's effects. Gossip advises: it tells Raft whom not to wait for, and the planner who is far.

extension NodeState {
    mutating func startGossip(into effects: inout [Effect]) { driveSWIM(.start, into: &effects) }

    mutating func gossip(_ event: Event, into effects: inout [Effect]) {
        switch event {
        case .gossip(let from, let packet): driveSWIM(.packet(from: from, packet), into: &effects)
        case .syncRequest(let token, let payload): driveSWIM(.syncRequest(token, payload), into: &effects)
        case .syncReply(let id, let payload): driveSWIM(.syncReply(id, payload), into: &effects)
        case .syncFailed(let id): driveSWIM(.syncFailed(id), into: &effects)
        case .leave:
            isLeaving = true
            driveSWIM(.leave, into: &effects)
        default: preconditionFailure("no event of gossip: \(event)")
        }
    }

    mutating func driveSWIM(_ event: SWIMEvent, into effects: inout [Effect]) {
        var out = swimEffects
        swimEffects = []
        swim.handle(event, now: now, into: &out)
        for effect in out {
            switch effect {
            case .send(let to, let packet): effects.append(.gossip(to: to, packet))
            case .startTimer(let timer, let generation, let at): effects.append(.startTimer(.swim(timer), generation: generation, at: at))
            case .cancelTimer(let timer): effects.append(.cancelTimer(.swim(timer)))
            case .sync(let id, let endpoint, let node, let payload): effects.append(.sync(id, with: endpoint, node: node, payload))
            case .syncReply(let token, let payload): effects.append(.answerSync(token, payload))
            case .memberChanged(let record, let previous, _): memberChanged(record, previous, into: &effects)
            case .factsChanged, .memberForgotten: break
            case .regionUnreachable(let region, _): effects.append(.publish(.region(region, reachable: false)))
            case .regionReachable(let region): effects.append(.publish(.region(region, reachable: true)))
            case .identityConflict(let node, let a, let b):
                let places = [a, b].compactMap { $0?.description }.joined(separator: " and ")
                effects.append(.publish(.fault("node id \(node) is claimed twice\(places.isEmpty ? "" : ", by \(places)")")))
            case .leaveFinished: effects.append(.publish(.left))
            }
        }
        out.removeAll(keepingCapacity: true)
        swimEffects = out
    }

    private mutating func memberChanged(_ record: MemberRecord, _ previous: MemberStatus?, into effects: inout [Effect]) {
        effects.append(.publish(.member(record.id, status: record.status.description)))
        effects.append(.peer(record))
        switch record.status {
        case .alive: if previous == .dead || previous == .left { driveRaft(.reachable(record.id), into: &effects) }
        case .dead, .left:
            driveRaft(.unreachable(record.id), into: &effects)
            failBrings(to: record.id)
        case .suspect: break
        }
    }

    /// Once a second: what was measured goes to Raft, whose timers follow it.
    mutating func shareRoundTrips(into effects: inout [Effect]) {
        let measured = swim.medianRoundTrips
        if !measured.isEmpty { driveRaft(.roundTrips(measured), into: &effects) }
    }
}
