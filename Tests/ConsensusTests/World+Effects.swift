import Primitives

@testable import Consensus

extension World {
    /// Does what the node's last event asked for.
    mutating func perform(_ node: Int) {
        while !scratch.isEmpty || !taken.isEmpty {
            let effects = scratch
            scratch = []
            for effect in effects { perform(effect, of: node) }
            // All effects of one call before the next call.
            guard !taken.isEmpty, nodes[node].raft != nil else { break }
            let (group, index) = taken.removeFirst()
            let now = local(node)
            nodes[node].raft?.handle(.group(group, .applied(index: index)), now: now, into: &scratch)
        }
        taken = []
        check(node)
    }

    private mutating func perform(_ effect: MultiRaftEffect, of node: Int) {
        let epoch = nodes[node].epoch
        switch effect {
        case .send(let peer, let batch): transmit(batch, from: node, to: Int(peer.rawValue))
        case .persist(let token, let writes):
            nodes[node].disk.pending.append((token, writes))
            schedule(after: draw(options.diskDelay), .synced(node: node, epoch: epoch, token: token))
        case .startTimer(let timer, let at):
            timerGeneration += 1
            nodes[node].timers[timer] = timerGeneration
            let wait = max(0, (global(node, at) - time + 999) / 1_000)
            schedule(after: Int(wait), .timer(node: node, epoch: epoch, timer, generation: timerGeneration))
        case .cancelTimer(let timer): nodes[node].timers[timer] = nil
        case .apply(let group, let entries): apply(entries, group, node)
        case .sendSnapshot(let group, let peer, let metadata): stream(metadata, group, from: node, to: peer)
        case .readReady(let group, let token, let index):
            checker.readEnds(group, token, index: index)
            log(node, "read \(token) ready at \(index)", group)
        case .readFailed(let group, let token, let leader):
            checker.readFails(token)
            log(node, "read \(token) failed, leader \(leader.map(\.description) ?? "-")", group)
        case .roleChanged(let group, let role, let term, let leader):
            if role == .leader { elected(node, group, term) }
            log(node, "\(role) t\(term) leader \(leader.map(\.description) ?? "-")", group)
        case .membershipChanged(let group, let configuration): log(node, "\(configuration)", group)
        case .proposalAppended(let group, let id, let index, let term):
            checker.appended(group, id, index: index, term: term)
            log(node, "\(id) appended at \(index)/t\(term)", group)
        case .proposalDropped(let group, let id, let reason, let leader):
            log(node, "\(id) dropped: \(reason), leader \(leader.map(\.description) ?? "-")", group)
        }
    }

    mutating func draw(_ range: ClosedRange<Int>) -> Int {
        range.count == 1 ? range.lowerBound : range.lowerBound + generator.below(range.count)
    }

    private mutating func transmit(_ batch: RaftBatch, from: Int, to: Int) {
        messagesSent += batch.items.count
        for item in batch.items { log(from, "-> \(World.id(to)) \(describe(item.message))", item.group, isMessage: true) }
        guard to <= options.nodes, !isCut(from, to) else { return }
        var batch = batch
        if options.encodes {
            guard let decoded = try? RaftBatch(xdr: batch.xdrBytes) else { preconditionFailure("a batch that cannot be read: \(batch)") }
            batch = decoded
        }
        let copies = options.duplicationPermille > 0 && generator.below(1_000) < options.duplicationPermille ? 2 : 1
        for _ in 0..<copies {
            if lossPermille > 0, generator.below(1_000) < lossPermille { continue }
            var delay = options.delays.isEmpty ? draw(options.delay) : options.delays[from - 1][to - 1]
            if let span = slow[from * 64 + to] { delay = span }
            if options.jitter > 0 { delay += generator.below(options.jitter) }
            schedule(after: delay, .deliver(from: from, to: to, batch))
        }
    }

    private mutating func apply(_ entries: [RaftEntry], _ group: GroupID, _ node: Int) {
        guard let configuration = nodes[node].raft?.status(group)?.configuration else { return }
        for entry in entries {
            nodes[node].machines[group, default: Machine()].apply(entry)
            checker.applied(group, entry, by: node) { voter in
                nodes[Int(voter.rawValue)].disk.groups[group]?.holds(entry.index, term: entry.term) ?? false
            } configuration: {
                configuration
            }
        }
        guard let last = entries.last, let machine = nodes[node].machines[group] else { return }
        log(node, "applies \(entries[0].index)...\(last.index)", group)
        taken.append((group, last.index))
        let every = UInt64(options.snapshotEvery)
        if every > 0, last.index >= nodes[node].snapshotAsked[group, default: 0] + every,
            let metadata = nodes[node].raft?.snapshotMetadata(of: group, at: machine.index)
        {
            nodes[node].snapshotAsked[group] = machine.index
            schedule(
                after: draw(options.diskDelay) * 3, .snapshotSaved(node: node, epoch: nodes[node].epoch, group, metadata, machine))
        }
    }

    private mutating func stream(_ metadata: SnapshotMetadata, _ group: GroupID, from node: Int, to peer: NodeID) {
        log(node, "streams snapshot \(metadata) to \(peer)", group)
        let to = Int(peer.rawValue)
        guard let saved = nodes[node].disk.groups[group]?.snapshot, saved.metadata.index >= metadata.index else {
            preconditionFailure("no snapshot like \(metadata)")
        }
        let delay = draw(options.delay) * 2
        let ok = !isCut(node, to) && nodes[to].raft != nil && generator.below(1_000) >= lossPermille
        if ok { schedule(after: delay, .snapshotArrives(node: to, from: node, group, saved.metadata, saved.machine)) }
        schedule(after: delay + 1_000, .snapshotSent(node: node, epoch: nodes[node].epoch, group, to: peer, ok: ok))
    }

    // MARK: - Checks and trace

    private mutating func elected(_ node: Int, _ group: GroupID, _ term: UInt64) {
        checker.elected(group, node, term: term)
        guard let raft = nodes[node].raft else { return }
        checker.checkCompleteness(group, node, raft.state(group))
    }

    private func check(_ node: Int) { nodes[node].raft?.checkInvariants(isThorough: events % 16 == 0) }

    mutating func log(_ node: Int, _ text: @autoclosure () -> String, _ group: GroupID, isMessage: Bool = false) {
        guard options.isTraced else { return }
        let prefix = options.groups.count > 1 ? "\(group) " : ""
        trace.append("\(isMessage ? "~" : "")\(microseconds / 1_000) n\(node) \(prefix)\(text())")
    }
}

extension MultiRaft {
    func state(_ group: GroupID) -> RaftState { states[slot(of: group)!] }
}

func describe(_ message: RaftMessage) -> String {
    switch message {
    case .append(let append):
        "append t\(append.term) after \(append.previousIndex)/t\(append.previousTerm) commit \(append.commit)"
            + " [\(append.entries.map { "\($0.index)/t\($0.term)\($0.kind == .noop ? " noop" : $0.kind == .configuration ? " conf" : "")" }.joined(separator: ", "))]"
    case .heartbeat(let beat):
        "heartbeat t\(beat.term) commit \(beat.commit)\(beat.stamp == 0 ? " unanswered" : "")\(beat.quiesce ? " quiesce" : "")"
    case .ack(let ack): "ack t\(ack.term) match \(ack.match)\(ack.received == ack.match ? "" : " received \(ack.received)")"
    case .reject(let reject): "reject t\(reject.term) previous \(reject.previousIndex) hint \(reject.hintIndex)/t\(reject.hintTerm)"
    case .vote(let vote):
        "\(vote.isPre ? "pre-vote" : "vote") t\(vote.term) last \(vote.lastIndex)/t\(vote.lastTerm)\(vote.isTransfer ? " transfer" : "")"
    case .voteReply(let reply): "\(reply.granted ? "grants" : "refuses") \(reply.isPre ? "pre-vote" : "vote") t\(reply.term)"
    case .timeoutNow(let term, let last): "timeout-now t\(term) last \(last)"
    case .readRequest: "read-request"
    case .readReply(_, let index, let ok): "read-reply \(ok ? "\(index)" : "failed")"
    case .wake(let term): "wake t\(term)"
    }
}
