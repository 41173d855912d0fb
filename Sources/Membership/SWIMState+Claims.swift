import Primitives

// What is said of members, and what is believed (SWIM §4.2).
extension SWIMState {
    mutating func apply(_ update: MemberUpdate, _ now: Instant, _ effects: inout [SWIMEffect]) {
        switch update {
        case .alive(let record): applyAlive(record, isNews: true, as: update, now, &effects)
        case .suspect(let id, let incarnation, let accuser):
            guard id != me.id else { return refute(incarnation, now, &effects) }
            guard let index = index(of: id), peers[index].record.status.isPresent else { return }
            suspect(index, incarnation, accuser: accuser, now, &effects)
        case .dead(let id, let incarnation, let accuser):
            guard id != me.id else { return refute(incarnation, now, &effects) }
            guard let index = index(of: id), peers[index].record.status.isPresent, incarnation >= peers[index].record.incarnation
            else { return }
            peers[index].record.incarnation = incarnation
            setStatus(index, .dead, now, &effects)
            spread(.dead(id, incarnation: incarnation, accuser: accuser), now, &effects)
        case .left(let id, let incarnation):
            guard id != me.id else { return refute(incarnation, now, &effects) }
            applyLeft(id, incarnation, now, &effects)
        case .link(let fact):
            guard fact.reporter != me.id, regionTable.isNews(fact), index(of: fact.reporter) != nil, regionTable.merge(fact, now: now)
            else { return }
            spread(update, now, &effects)
        }
    }

    mutating func applyLeft(_ id: NodeID, _ incarnation: UInt64, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard let index = index(of: id), peers[index].record.status != .left, incarnation >= peers[index].record.incarnation
        else { return }
        peers[index].record.incarnation = incarnation
        setStatus(index, .left, now, &effects)
        spread(.left(id, incarnation: incarnation), now, &effects)
    }

    /// A member's own words. `isNews` says whether others may not have them yet; `update` is the news as it came, which
    /// all who pass it on then share.
    mutating func applyAlive(
        _ record: MemberRecord, isNews: Bool, as update: MemberUpdate? = nil, _ now: Instant, _ effects: inout [SWIMEffect]
    ) {
        guard record.id != me.id else {
            if record.run != me.run {
                claimedByOther(run: record.run, incarnation: record.incarnation, at: record.gossip, isDirect: false, now, &effects)
            }
            return
        }
        guard let index = index(of: record.id) else {
            admit(record, now, &effects)
            if isNews { spread(update ?? .alive(record), now, &effects) }
            return
        }
        // What is known already is what is heard most: nothing of it is copied.
        guard !known[index].areNewer(than: record) else { return }
        let isRevived = record.incarnation > peers[index].record.incarnation
        let oldRegion = peers[index].record.region
        let isTaken = takeWords(record, index, now, &effects)
        guard isRevived || isTaken else { return }
        let previous = peers[index].record.status
        if isRevived {
            peers[index].record.incarnation = record.incarnation
            setStatus(index, .alive, now, &effects)
        }
        if oldRegion != peers[index].record.region {
            judge(oldRegion, now, &effects)
            judge(peers[index].record.region, now, &effects)
        }
        if isTaken, previous == .alive { effects.append(.factsChanged(peers[index].record)) }
        if isNews { spread(update ?? .alive(record), now, &effects) }
    }

    /// Takes region, endpoints and facts from a record that is newer than the words that we have.
    private mutating func takeWords(_ record: MemberRecord, _ index: Int, _ now: Instant, _ effects: inout [SWIMEffect]) -> Bool {
        let peer = peers[index]
        if record.incarnation == peer.contentIncarnation {
            // Another run with the same incarnation is a restart that lost count: it will hear of it and outlive this.
            guard record.run == peer.record.run, record.facts.version > peer.record.facts.version else { return false }
        } else if record.incarnation < peer.contentIncarnation {
            return false
        }
        if record.run != peer.record.run {
            if record.run == peer.previousRun { reportConflict(index, record.gossip, now, &effects) }
            peers[index].previousRun = peer.record.run
            // Another process, perhaps on another machine: the old distances say nothing of it.
            peers[index].roundTrips = RoundTripWindow()
        }
        let isChanged =
            record.region != peer.record.region || record.endpoints != peer.record.endpoints || record.facts != peer.record.facts
        peers[index].record.words = record.wordsOfIncarnation
        updateWords(of: index)
        return isChanged || record.incarnation > peer.contentIncarnation
    }

    /// A member never seen before.
    private mutating func admit(_ record: MemberRecord, _ now: Instant, _ effects: inout [SWIMEffect]) {
        if peers.count + 1 >= settings.membersMax, !dropOldestTombstone(&effects) { return }
        var record = record
        record.status = .alive
        record.words = record.wordsOfIncarnation
        insertPeer(Peer(record: record, now: now, tieBreak: generator.next()))
        presentCount += 1
        let wasCut = cuts.contains { $0.region == record.region }
        judge(record.region, isAlive: true, now, &effects)
        effects.append(.memberChanged(record, previous: nil, regionCut: wasCut))
    }

    /// The one place where a known member's status changes.
    mutating func setStatus(_ index: Int, _ status: MemberStatus, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let previous = peers[index].record.status
        guard previous != status else { return }
        let id = peers[index].id
        if previous.isPresent != status.isPresent { presentCount += status.isPresent ? 1 : -1 }
        if previous == .alive { peers[index].downSince = now }
        peers[index].record.status = status
        peers[index].statusSince = now
        updateTurn(of: index)
        if status != .suspect, peers[index].suspicion != nil {
            peers[index].suspicion = nil
            effects.append(.cancelTimer(.suspicion(id)))
        }
        if !status.isPresent, let place = probes.firstIndex(where: { $0.target == id }) {
            effects.append(.cancelTimer(.probe(probes.remove(at: place).sequence)))
        }
        let wasCut = isPartOfCut(index)
        judge(peers[index].record.region, isAlive: status == .alive, now, &effects)
        effects.append(.memberChanged(peers[index].record, previous: previous, regionCut: wasCut || isPartOfCut(index)))
    }

    /// Somebody says that we are not alive: say louder that we are.
    mutating func refute(_ claimed: UInt64, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard phase == .running else { return }
        guard claimed >= me.incarnation else {
            // An old claim: whoever makes it missed our answer.
            if !dissemination.isPending(.member(me.id)) { spread(.alive(me), now, &effects) }
            return
        }
        health.worsen(by: 1)
        outlive(claimed, now, &effects)
    }

    /// Raises our incarnation above the one claimed, and says so.
    mutating func outlive(_ claimed: UInt64, _ now: Instant, _ effects: inout [SWIMEffect]) {
        me.incarnation = min(MemberRecord.incarnationMax, claimed + 1)
        me.words = me.wordsOfIncarnation
        spread(.alive(me), now, &effects)
    }
}
