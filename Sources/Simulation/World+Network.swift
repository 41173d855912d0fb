import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives

// Connections and datagrams between machines.
extension World {
    func link(_ from: Int, _ to: Int) -> Int { from * hosts.count + to }
    func pathIndex(_ from: Int, _ to: Int) -> Int { hosts[from].place * regionCount + hosts[to].place }

    /// No packet gets through in that direction.
    func isCut(_ from: Int, _ to: Int) -> Bool { cuts[from * hosts.count + to] > 0 }
    /// A connection needs both ways.
    func isOpenPath(_ a: Int, _ b: Int) -> Bool { !isCut(a, b) && !isCut(b, a) }

    // MARK: Messages

    mutating func send(_ message: Message, _ attachment: BufferID?, _ lane: Lane, _ from: Int, _ node: NodeID) {
        let to = Self.index(of: node)
        guard hosts.indices.contains(to) else { return }
        var message = message
        if options.encodes {
            guard let decoded = try? Message(xdr: message.xdrBytes) else {
                return violate(.format, "n\(from + 1) sends what cannot be read: \(message)".shortened)
            }
            message = decoded
        }
        if let mutant { message = mutant.altered(message) }
        let content = attachment.flatMap { hosts[from].buffers[$0] }
        let bytes = message.approximateBytes + Int64(content?.length ?? 0)
        statistics.messages += 1
        transmit(
            from, to, bytes: bytes, isBulk: lane == .bulk,
            .message(from: from, to: to, epoch: connections[link(from, to)].epoch, message, attachment: content))
    }

    /// Puts something on a connection, if there is one; false where there is none.
    @discardableResult
    mutating func transmit(_ from: Int, _ to: Int, bytes: Int64, isBulk: Bool, _ action: Action) -> Bool {
        let place = link(from, to)
        guard connections[place].state == .open else { return false }
        if connections[place].stalledSince != nil || !isOpenPath(from, to) {
            if connections[place].stalledSince == nil {
                connections[place].stalledSince = now
                after(200_000_000, .retransmit(from: from, to: to, epoch: connections[place].epoch, attempt: 1))
            }
            guard connections[place].stalled.count < Connection.stalledMax else { return false }
            connections[place].stalled.append((bytes, isBulk, action))
            return true
        }
        let path = pathIndex(from, to)
        linkBytes[path] += UInt64(bytes)
        let arrival =
            isBulk
            ? connections[place].sendBulk(bytes, &paths[path], now: now, weather, &chance)
            : connections[place].control.send(bytes, &paths[path], now: now, weather, &chance)
        heap.push(action, at: arrival)
        return true
    }

    mutating func deliver(_ message: Message, _ attachment: Content?, _ from: Int, _ to: Int, _ epoch: UInt32) {
        guard hosts[to].isUp, connections[link(from, to)].epoch == epoch else { return }
        guard !isAsleep(to) else {
            return heap.push(.message(from: from, to: to, epoch: epoch, message, attachment: attachment), at: hosts[to].pausedUntil)
        }
        let payload = attachment.map { hosts[to].insert($0) }
        handle(.message(from: hosts[from].id, message, attachment: payload), on: to)
    }

    /// TCP tries again, ever later, until somebody closes the connection (pings that are not answered).
    mutating func retransmit(_ from: Int, _ to: Int, _ epoch: UInt32, _ attempt: Int) {
        let place = link(from, to)
        guard connections[place].epoch == epoch, connections[place].state == .open, let since = connections[place].stalledSince else {
            return
        }
        if isOpenPath(from, to) {
            let waiting = connections[place].stalled
            connections[place].stalled = []
            connections[place].stalledSince = nil
            for item in waiting { transmit(from, to, bytes: item.bytes, isBulk: item.isBulk, item.action) }
        } else if now - since > 2_000_000_000 + Int64(chance.below(8_000)) * 1_000_000 {
            lose(from, to)
        } else {
            after(200_000_000 << Int64(min(attempt, 4)), .retransmit(from: from, to: to, epoch: epoch, attempt: attempt + 1))
        }
    }

    // MARK: Connections

    /// The host wants a connection to a member, or no longer.
    mutating func follow(_ record: MemberRecord, _ node: Int) {
        let to = Self.index(of: record.id)
        guard hosts.indices.contains(to), to != node else { return }
        let place = link(node, to)
        connections[place].isWanted = record.status.isPresent
        if record.status == .alive, connections[place].state == .closed {
            connections[place].state = .dialling
            after(0, .dial(from: node, to: to))
        }
    }

    mutating func dial(_ from: Int, _ to: Int) {
        let place = link(from, to)
        guard hosts[from].isUp, connections[place].state == .dialling else { return }
        guard connections[place].isWanted else { return connections[place].state = .closed }
        if hosts[to].isUp, isOpenPath(from, to), speaks(from, to) {
            // TCP and TLS 1.3: two round trips.
            after(paths[pathIndex(from, to)].roundTrip * 2 + 1_000_000, .opened(from: from, to: to))
        } else {
            after(Int64(500 + chance.below(500)) * 1_000_000, .dial(from: from, to: to))
        }
    }

    mutating func opened(_ from: Int, _ to: Int) {
        let place = link(from, to)
        guard hosts[from].isUp, connections[place].state == .dialling else { return }
        guard hosts[to].isUp, isOpenPath(from, to), speaks(from, to) else { return after(500_000_000, .dial(from: from, to: to)) }
        connections[place].state = .open
        connections[place].epoch += 1
        connections[place].control = Flow()
        connections[place].bulk = Flow()
        complete(.peerConnected(hosts[to].id), from, after: 0)
    }

    /// A connection is gone; who made it hears of it and dials again.
    mutating func lose(_ from: Int, _ to: Int) {
        let place = link(from, to)
        guard connections[place].state == .open else { return }
        connections[place].state = .closed
        connections[place].epoch += 1
        connections[place].stalled = []
        connections[place].stalledSince = nil
        for node in [from, to] where hosts[node].isUp { failTransfers(of: node, with: node == from ? to : from) }
        guard hosts[from].isUp else { return }
        complete(.peerLost(hosts[to].id), from, after: 0)
        if connections[place].isWanted {
            connections[place].state = .dialling
            after(Int64(50 + chance.below(950)) * 1_000_000, .dial(from: from, to: to))
        }
    }

    /// A process is gone: its own connections at once, those of others when they notice.
    mutating func dropConnections(of node: Int, isSudden: Bool) {
        for other in hosts.indices where other != node {
            let mine = link(node, other)
            connections[mine].epoch += 1
            connections[mine].state = .closed
            connections[mine].isWanted = false
            connections[mine].stalled = []
            connections[mine].stalledSince = nil
            let theirs = link(other, node)
            guard connections[theirs].state == .open else { continue }
            // A process that ends resets its connections; a machine that ends lets pings go unanswered.
            let notice = isSudden ? Int64(3_000 + chance.below(4_000)) * 1_000_000 : paths[pathIndex(node, other)].delay + 1_000_000
            after(notice, .lost(from: other, to: node, epoch: connections[theirs].epoch))
        }
    }

    // MARK: Datagrams

    mutating func sendDatagram(_ packet: SWIMPacket, _ from: Int, _ endpoint: Endpoint) {
        let to = Int(endpoint.port) - 1
        guard hosts.indices.contains(to) else { return }
        statistics.datagrams += 1
        guard !isCut(from, to) else { return }
        let path = pathIndex(from, to)
        let loss = weather.loss + paths[path].loss
        if loss > 0, chance.below(10_000) < loss { return }
        let copies = weather.duplication > 0 && chance.below(10_000) < weather.duplication ? 2 : 1
        for _ in 0..<copies {
            var delay = paths[path].travel(weather, &chance)
            if weather.reordering > 0, chance.below(10_000) < weather.reordering {
                delay += Int64(chance.below(Int(paths[path].roundTrip) + 1_000_000))
            }
            after(delay, .gossip(from: from, to: to, packet))
        }
    }

    // MARK: Exchanges of membership

    mutating func beginSync(_ id: SyncID, _ endpoint: Endpoint, _ payload: SyncPayload, _ node: Int) {
        let to = Int(endpoint.port) - 1
        guard hosts.indices.contains(to), isOpenPath(node, to), hosts[to].isUp else {
            let isRefused = hosts.indices.contains(to) && isOpenPath(node, to)
            return complete(.syncFailed(id), node, after: isRefused ? paths[pathIndex(node, to)].roundTrip : 5_000_000_000)
        }
        let bytes = Int64(300 * payload.members.count)
        let path = pathIndex(node, to)
        let travel = paths[path].roundTrip * 2 + paths[path].take(bytes, from: now, now: now) - now + paths[path].travel(weather, &chance)
        after(travel, .syncRequest(from: node, life: hosts[node].life, id, to: to, payload))
    }

    mutating func syncArrives(_ from: Int, _ life: UInt32, _ id: SyncID, _ to: Int, _ payload: SyncPayload) {
        guard hosts[to].isUp, isOpenPath(from, to) else {
            return after(5_000_000_000, .event(node: from, life: life, .syncFailed(id)))
        }
        guard !isAsleep(to) else {
            return heap.push(.syncRequest(from: from, life: life, id, to: to, payload), at: hosts[to].pausedUntil)
        }
        let token = SyncToken(hosts[to].nextSync)
        hosts[to].nextSync += 1
        hosts[to].syncs[token] = (from, life, id)
        handle(.syncRequest(token, payload), on: to)
    }

    mutating func answerSync(_ token: SyncToken, _ payload: SyncPayload, _ node: Int) {
        guard let (asker, life, id) = hosts[node].syncs.removeValue(forKey: token) else { return }
        guard isOpenPath(node, asker) else { return after(5_000_000_000, .event(node: asker, life: life, .syncFailed(id))) }
        after(paths[pathIndex(node, asker)].travel(weather, &chance), .event(node: asker, life: life, .syncReply(id, payload)))
    }
}

// Asking to be let in, or whether one still belongs.
extension World {
    mutating func beginJoin(_ endpoint: Endpoint, _ request: JoinRequest, _ node: Int) {
        let to = Int(endpoint.port) - 1
        guard hosts.indices.contains(to), isOpenPath(node, to), hosts[to].isUp else {
            return complete(.joinReply(nil), node, after: 5_000_000_000)
        }
        let path = pathIndex(node, to)
        let travel = paths[path].roundTrip * 2 + paths[path].travel(weather, &chance)
        after(travel, .joinRequest(from: node, life: hosts[node].life, to: to, request))
    }

    mutating func joinArrives(_ from: Int, _ life: UInt32, _ to: Int, _ request: JoinRequest) {
        guard hosts[to].isUp, isOpenPath(from, to) else { return after(5_000_000_000, .event(node: from, life: life, .joinReply(nil))) }
        guard !isAsleep(to) else {
            // Who stands still for good never answers: the asker's patience ends.
            guard !hosts[to].isLeftOut else { return after(5_000_000_000, .event(node: from, life: life, .joinReply(nil))) }
            return heap.push(.joinRequest(from: from, life: life, to: to, request), at: hosts[to].pausedUntil)
        }
        let token = SyncToken(hosts[to].nextSync)
        hosts[to].nextSync += 1
        hosts[to].joins[token] = (from, life)
        handle(.joinRequest(token, from: hosts[from].id, request), on: to)
    }

    /// Whoever asked this machine hears that nobody answers, as a connection that breaks says.
    mutating func failJoins(at node: Int) {
        for token in hosts[node].joins.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let (asker, life) = hosts[node].joins.removeValue(forKey: token) else { continue }
            after(5_000_000_000, .event(node: asker, life: life, .joinReply(nil)))
        }
    }

    mutating func answerJoin(_ token: SyncToken, _ reply: JoinReply, _ node: Int) {
        guard let (asker, life) = hosts[node].joins.removeValue(forKey: token) else { return }
        guard isOpenPath(node, asker) else { return after(5_000_000_000, .event(node: asker, life: life, .joinReply(nil))) }
        after(paths[pathIndex(node, asker)].travel(weather, &chance), .event(node: asker, life: life, .joinReply(reply)))
    }
}
