import Consensus
import Filesystem
import Membership
import Primitives
import Replication

// Requests to the leader of a group, wherever it is: found, followed when it moves, sent again
// when its node is lost; and answers to those of others.

extension NodeState {
    /// Sends a call and resolves `token` with its answer. `fixed` names the one node to be asked.
    mutating func call(_ group: GroupID, _ body: OutgoingCall.Body, fixed: NodeID? = nil, token: WaitToken) {
        let entry = OutgoingCall(group: group, body: body, token: token, deadline: currentDeadline, fixed: fixed, due: now)
        guard !calls.isFull else {
            let failure = FileFailure(
                .overloaded, operation: "call", object: "group \(group)", cause: "too many calls under way", hint: "try again")
            laterEnds.append((token, .failed(failure)))
            return
        }
        freshCalls.append(calls.insert(entry))
    }

    /// Sends the calls that were just made; kept apart because a step has no effects at hand.
    mutating func flushCalls(into effects: inout [Effect]) {
        while !freshCalls.isEmpty {
            let batch = freshCalls
            freshCalls.removeAll(keepingCapacity: true)
            for id in batch { transmit(id, into: &effects) }
        }
    }

    /// Whom to ask: the leader as far as known, else the voters in turn.
    private func destination(of call: OutgoingCall) -> NodeID? {
        if let fixed = call.fixed { return fixed }
        if let known = groups.with(call.group, { $0.leader }) {
            if let known { return known }
        } else if let hint = leaderHints[call.group] {
            return hint
        }
        let voters = knownVoters(of: call.group)
        guard !voters.isEmpty else { return nil }
        return voters[call.attempts % voters.count]
    }

    private mutating func transmit(_ id: CallID, into effects: inout [Effect]) {
        guard var call = calls.calls[id] else { return }
        call.attempts += 1
        guard let destination = destination(of: call) else {
            call.due = now + .milliseconds(50)
            calls.calls[id] = call
            return
        }
        if call.attempts > 1 { counters.callRetries += 1 }
        call.destination = destination
        call.sentAt = now
        call.due = now + answerPatience(destination, call)
        if destination == settings.id {
            calls.calls[id] = call
            serveLocally(id, call, into: &effects)
            return
        }
        let message: Message
        var attachment: Payload?
        switch call.body {
        case .propose(let envelope): message = .call(id, .propose(call.group, envelope: envelope))
        case .awaitApplied(let index): message = .call(id, .awaitApplied(call.group, index: index))
        case .bring(let chunks): message = .call(id, .bring(call.group, chunks))
        case .clone(let order): message = .call(id, .clone(order))
        case .compound(let compound, let stamp, let payload):
            message = .call(id, .compound(compound, stamp))
            attachment = payload
        }
        if isWideArea(destination) {
            call.sentBytes += UInt64(message.xdrBytes.count) + UInt64(attachment?.length ?? 0)
        }
        calls.calls[id] = call
        effects.append(.send(to: destination, attachment == nil ? .control : .bulk, message, attachment: attachment?.buffer))
    }

    /// How long an answer may take before the call is sent again though nobody knows of another leader (`queryLeaders`):
    /// generous, because sending bytes again over a slow link makes it slower.
    private func answerPatience(_ destination: NodeID, _ call: OutgoingCall) -> Duration {
        let roundTrip = swim.roundTrip(to: destination)?.median ?? .milliseconds(300)
        switch call.body {
        case .propose: return .milliseconds(1_500) + roundTrip * 4
        case .awaitApplied, .bring: return .seconds(60)
        case .clone: return .seconds(600)
        case .compound: return .seconds(5) + roundTrip * 8
        }
    }

    /// Sends what is due again, and gives up what nobody waits for any more.
    mutating func resendDueCalls(into effects: inout [Effect]) {
        for (id, call) in calls.calls {
            if call.deadline <= now {
                _ = calls.calls.remove(id)
            } else if call.due <= now {
                if call.fixed == nil, let asked = call.destination, leaderHints[call.group] == asked { leaderHints[call.group] = nil }
                transmit(id, into: &effects)
            }
        }
        queryLeaders(into: &effects)
        remoteWaits.removeAll { $0.deadline <= now }
    }

    mutating func peerConnected(_ peer: NodeID, into effects: inout [Effect]) {
        driveRaft(.reachable(peer), into: &effects)
        hastenFills()
        tellProgress(to: peer, into: &effects)
    }

    /// Calls to a lost peer go elsewhere at once, or to it again when it is back.
    mutating func peerLost(_ peer: NodeID, into effects: inout [Effect]) {
        driveRaft(.unreachable(peer), into: &effects)
        driveSWIM(.doubt(peer), into: &effects)
        failBrings(to: peer)
        for (id, call) in calls.calls where call.destination == peer {
            if leaderHints[call.group] == peer { leaderHints[call.group] = nil }
            _ = calls.calls.update(id) {
                $0.destination = nil
                $0.due = now + .milliseconds(100)
            }
        }
    }

    // MARK: Answers to our calls

    mutating func received(_ answer: Answer, to id: CallID, from: NodeID, attachment: Payload?, into effects: inout [Effect]) {
        if answersQuery(id, answer) { return }
        guard let call = calls.calls[id], call.destination == from || call.fixed == nil else {
            if let attachment { effects.append(.dropBuffer(attachment.buffer)) }
            return
        }
        switch answer {
        case .notLeader(let leader):
            guard call.fixed == nil else {
                _ = calls.calls.remove(id)
                resolve(
                    call.token,
                    .failed(FileFailure(.unavailable, operation: "call", object: "group \(call.group)", cause: "\(from) does not lead it")))
                return
            }
            // It lies elsewhere by now.
            if let asked = call.destination, asked != from { return }
            if let leader, leader != from { leaderHints[call.group] = leader } else { leaderHints[call.group] = nil }
            _ = calls.calls.update(id) {
                $0.destination = nil
                // The first redirection is followed at once; after that an election may be under way.
                $0.due = leader != nil && $0.attempts <= 2 ? now : now + .milliseconds(50)
            }
            if calls.calls[id]!.due <= now { transmit(id, into: &effects) }
            return
        case .compound, .applied, .done, .lacking, .failed: break
        }
        _ = calls.calls.remove(id)
        if !groups.contains(call.group), from != settings.id { leaderHints[call.group] = from }
        var cost = OperationCost()
        if isWideArea(from) {
            cost.wideAreaRoundTrips = 1
            cost.wideAreaBytes = call.sentBytes + UInt64(Message.answer(id, answer).xdrBytes.count) + UInt64(attachment?.length ?? 0)
        }
        switch answer {
        case .compound(let results):
            if !resolve(call.token, .results(results, attachment), cost: cost), let attachment {
                effects.append(.dropBuffer(attachment.buffer))
            }
        case .applied(let index, let result): resolve(call.token, .applied(index: index, result: result), cost: cost)
        case .done: resolve(call.token, .done, cost: cost)
        case .lacking(let chunks): resolve(call.token, .missing(chunks), cost: cost)
        case .failed(let failure): resolve(call.token, .failed(failure), cost: cost)
        case .notLeader: break
        }
    }

    // MARK: Calls of others

    mutating func receive(_ message: Message, from: NodeID, attachment: Payload?, into effects: inout [Effect]) {
        switch message {
        case .raft(let batch): driveRaft(.batch(from: from, batch), into: &effects)
        case .answer(let id, let answer): received(answer, to: id, from: from, attachment: attachment, into: &effects)
        case .call(let id, let call): serve(id, call, from: from, attachment: attachment, into: &effects)
        }
    }

    private mutating func serveLocally(_ id: CallID, _ call: OutgoingCall, into effects: inout [Effect]) {
        switch call.body {
        case .propose(let envelope): serve(id, .propose(call.group, envelope: envelope), from: settings.id, attachment: nil, into: &effects)
        case .awaitApplied(let index):
            serve(id, .awaitApplied(call.group, index: index), from: settings.id, attachment: nil, into: &effects)
        case .clone(let order): serve(id, .clone(order), from: settings.id, attachment: nil, into: &effects)
        case .compound(let compound, let stamp, let payload):
            serve(id, .compound(compound, stamp), from: settings.id, attachment: payload, into: &effects)
        case .bring(let chunks): serve(id, .bring(call.group, chunks), from: settings.id, attachment: nil, into: &effects)
        }
    }

    private mutating func serve(_ id: CallID, _ call: Call, from: NodeID, attachment: Payload?, into effects: inout [Effect]) {
        switch call {
        case .propose(let group, let envelope):
            propose(group, envelope, answering: .call(from, id), into: &effects)
        case .compound(let compound, let stamp):
            // A call that is sent again while it is being executed is answered when that ends; one that
            // was answered gets the same answer (RFC 8881 §2.10.6.1, the reply cache).
            let key = ServedCall(node: from, call: id)
            if let known = served[key] {
                if let attachment, from != settings.id { effects.append(.dropBuffer(attachment.buffer)) }
                if let results = known { answer(id, to: from, .compound(results), into: &effects) }
                return
            }
            counters.compoundsServed += 1
            guard let group = group(of: compound.filesystem) else {
                if let attachment, from != settings.id { effects.append(.dropBuffer(attachment.buffer)) }
                answer(id, to: from, .notLeader(nil), into: &effects)
                return
            }
            guard groups.with(group, { $0.isLeader }) == true else {
                if let attachment, from != settings.id { effects.append(.dropBuffer(attachment.buffer)) }
                answer(id, to: from, .notLeader(groups.with(group) { $0.leader } ?? nil), into: &effects)
                return
            }
            served[key] = .some(nil)
            begin(.compound(from: from, id, compound, stamp, attachment), deadline: now + .seconds(60), into: &effects)
        case .awaitApplied(let group, let index):
            guard groups.contains(group) else {
                answer(
                    id, to: from, .failed(FileFailure(.notFound, operation: "wait", object: "group \(group)", cause: "no replica here")),
                    into: &effects)
                return
            }
            if holds(group, index) {
                answer(id, to: from, .done, into: &effects)
            } else if remoteWaits.count < 65_536 {
                remoteWaits.append(RemoteWait(group: group, index: index, node: from, call: id, deadline: now + .seconds(120)))
            }
        case .bring(let group, let chunks):
            begin(.background(.brought(from: from, id, group, chunks)), deadline: now + .seconds(50), into: &effects)
        case .renew(let renewed):
            for lease in renewed {
                for session in lease.sessions { leases[ServerSessionKey(group: lease.group, node: from, session: session)] = now }
            }
            answer(id, to: from, .done, into: &effects)
        case .progress(let news): heard(news, from: from)
        case .leader(let group):
            answer(id, to: from, .notLeader(groups.with(group) { $0.isLeader ? settings.id : $0.leader } ?? nil), into: &effects)
        case .clone(let order):
            guard let group = group(of: order.source), groups.with(group, { $0.isLeader }) == true else {
                let leader = group(of: order.source).flatMap { groups.with($0) { $0.leader } ?? nil }
                answer(id, to: from, .notLeader(leader), into: &effects)
                return
            }
            let key = ServedCall(node: from, call: id)
            guard served[key] == nil else { return }
            served[key] = .some(nil)
            begin(.clone(from: from, id, order), deadline: now + .seconds(900), into: &effects)
        }
    }

    /// Keeps the answer of a compound that changed something; what only read is executed again.
    mutating func remember(_ call: ServedCall, _ results: [FileResult], isChange: Bool) {
        guard isChange else {
            served[call] = nil
            return
        }
        served[call] = .some(results)
        if servedOrder.isFull, let oldest = servedOrder.pop() { served[oldest] = nil }
        _ = servedOrder.push(call)
    }

    mutating func answer(_ id: CallID, to node: NodeID, _ answer: Answer, attachment: Payload? = nil, into effects: inout [Effect]) {
        guard node != settings.id else {
            received(answer, to: id, from: node, attachment: attachment, into: &effects)
            return
        }
        effects.append(.send(to: node, attachment == nil ? .control : .bulk, .answer(id, answer), attachment: attachment?.buffer))
        if let attachment { effects.append(.dropBuffer(attachment.buffer)) }
    }
}

/// A peer that waits for this node to have applied a group's log up to `index`.
struct RemoteWait {
    let group: GroupID
    let index: UInt64
    let node: NodeID
    let call: CallID
    let deadline: Instant
}

/// A call of a peer for a compound.
struct ServedCall: Hashable {
    let node: NodeID
    let call: CallID
}

/// A session of a client node, as the leader of a group knows it.
struct ServerSessionKey: Hashable, Comparable {
    let group: GroupID
    let node: NodeID
    let session: SessionID
    static func < (a: Self, b: Self) -> Bool { (a.group, a.node, a.session) < (b.group, b.node, b.session) }
}

struct ServerStageKey: Hashable, Comparable {
    let group: GroupID
    let node: NodeID
    let stage: StageKey
    static func < (a: Self, b: Self) -> Bool { (a.group, a.node, a.stage) < (b.group, b.node, b.stage) }
}

struct ServerStage {
    let id: StageID
    var writes: UInt64 = 0
    var lastUse: Instant
}
