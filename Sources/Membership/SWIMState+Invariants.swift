import Primitives

extension SWIMState {
    /// What must hold after every event.
    package func checkInvariants() {
        for (a, b) in zip(peers, peers.dropFirst()) { precondition(a.id < b.id, "members are out of order at \(b.id)") }
        precondition(known.elementsEqual(peers) { $0 === $1.record.words }, "what is known of a member is another than it should be")
        precondition(turns.count == peers.count && statuses.elementsEqual(peers) { $0 == $1.record.status }, "a member's status is another")
        for (turn, peer) in zip(turns, peers) {
            var right = turn
            right.update(from: peer)
            precondition(turn == right, "\(peer.id)'s turn to be probed is another than it should be")
        }
        for (words, peer) in zip(known, peers) { precondition(words.id == peer.id, "\(peer.id) has another's words") }
        precondition(me.words.id == me.id && me.words.incarnation == me.incarnation, "a node's own words are of another incarnation")
        precondition(index(of: me.id) == nil, "a node is not its own peer")
        precondition(peers.count < settings.membersMax, "too many members")
        let present = peers.reduce(1) { $0 + ($1.record.status.isPresent ? 1 : 0) }
        precondition(present == presentCount, "\(present) members are present, \(presentCount) counted")
        for peer in peers {
            precondition(
                (peer.suspicion != nil) == (peer.record.status == .suspect), "\(peer.id) is \(peer.record.status) with the wrong clock")
            precondition(peer.contentIncarnation <= peer.record.incarnation, "\(peer.id)'s words are newer than its incarnation")
            precondition((peer.suspicion?.accusers.count ?? 0) <= settings.confirmations + 1, "too many accusers of \(peer.id)")
        }
        precondition(
            probes.count <= Self.probesMax && lapsed.count <= Self.lapsedMax && relays.count <= Self.relaysMax
                && syncs.count <= Self.syncsMax)
        precondition(dissemination.count <= Dissemination.capacity && dissemination.count == dissemination.entries.count, "too much news")
        for entry in dissemination.entries { precondition(entry.bytes <= settings.packetLimit, "news that no packet can carry") }
        for (place, probe) in probes.enumerated() {
            precondition(!probes[..<place].contains { $0.target == probe.target }, "two probes of \(probe.target)")
            precondition(probe.nacks <= probe.helpers)
        }
        for (a, b) in zip(cuts, cuts.dropFirst()) { precondition(a.region < b.region, "cuts are out of order") }
        for cut in cuts {
            precondition(cut.region != me.region, "a node's own region is not cut off")
            precondition(!peers.contains { $0.record.region == cut.region && $0.record.status == .alive }, "\(cut.region) is reachable")
        }
        // While there is news there is a timer to send it.
        precondition(phase == .idle || phase == .left || dissemination.isEmpty || gossipTimer != nil, "news without a timer")
        regionTable.checkInvariants()
    }
}
