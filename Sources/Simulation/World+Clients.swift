import Filesystem
import NodeCore
import Primitives

// Clients: what they do next, and how their requests reach a node.
extension World {
    mutating func addClients(_ plan: ClientPlan) {
        for (place, region) in plan.regions.enumerated() {
            for _ in 0..<plan.count { addClient(plan, place, region, script: nil) }
            // Those that roam are as many as one region's.
            if plan.roamAfter != nil { break }
        }
    }

    mutating func addClient(_ plan: ClientPlan, _ place: Int, _ region: RegionID, script: [Job]?) {
        let nodes = hosts.indices.filter { hosts[$0].region == region }
        let up = nodes.filter { hosts[$0].isUp && !hosts[$0].isLeftOut }
        guard var node = up.isEmpty ? nodes.first : up[clients.count % up.count] else { return }
        // Of many machines in a region some hold no replica of a volume, and say so; who verifies asks one that does.
        if script != nil, filesystems[plan.filesystem].kind == .volume, let id = filesystems[plan.filesystem].id {
            node = [node].first { hosts[$0].state.machine(of: id) != nil } ?? up.first { hosts[$0].state.machine(of: id) != nil } ?? node
        }
        var client = Client(index: clients.count, plan: plan, regionPlace: place, node: node, chance: chance.split())
        client.script = script
        client.began = now
        if let span = plan.roamAfter { client.nextRoam = now + span.inNanoseconds }
        clients.append(client)
        let delay = Int64(chance.below(50)) * 1_000_000
        schedule(client.index, after: delay)
    }

    mutating func schedule(_ client: Int, after delay: Int64) {
        clients[client].turn += 1
        after(delay, .client(client, turn: clients[client].turn))
    }

    /// The client's turn: it goes on with its job, or begins another.
    mutating func wake(_ index: Int, _ turn: UInt64) {
        guard clients[index].turn == turn, clients[index].request == nil, !clients[index].isDone else { return }
        if clients[index].job == nil {
            if isFrozen, clients[index].script == nil { return finish(index) }
            roam(index)
        }
        guard hosts[clients[index].node].isUp else { return move(index) }
        guard let session = clients[index].session else {
            guard let filesystem = filesystems[clients[index].plan.filesystem].id else { return schedule(index, after: 200_000_000) }
            let options = SessionOptions(attributeCache: believes(index) ? .seconds(3) : .zero)
            return issue(index, limit: 33_000_000_000) { request, _ in .openSession(request, filesystem, options) }
        }
        if clients[index].job == nil {
            guard let job = nextJob(index) else { return finish(index) }
            clients[index].job = job
            clients[index].job?.began = now
            if case .commit(let ifUnchanged) = job.kind { beginCommit(index, ifUnchanged: ifUnchanged) }
            if case .reload(latest: true) = job.kind {
                let newest = histories.volumes[clients[index].plan.filesystem]?.newestAcknowledged(before: now)
                clients[index].job?.newest = newest
            }
        }
        guard let job = clients[index].job, let operation = job.next else { preconditionFailure("a job without a step") }
        var payload: Payload?
        if let task = job.names {
            clients[index].job?.names?.began = now
            if task.isWriting { payload = hosts[clients[index].node].insert(Content(tag: task.tag, length: task.length)) }
        }
        if job.isWriting {
            let range = job.pieceRange
            let content = histories.content(job.tag).slice(range.lowerBound, range.upperBound - range.lowerBound)
            payload = hosts[clients[index].node].insert(content)
        }
        var asked = operation
        if mutant == .reloadWithoutAsking, case .reload(.latest, let discard) = operation { asked = .reload(.local, discard: discard) }
        if mutant == .lockShared, case .lock(let handle, let range, true, let wait) = operation {
            asked = .lock(handle: handle, range: range, exclusive: false, wait: wait)
        }
        if mutant == .ifUnchangedIgnored, case .commit(let options) = operation {
            asked = .commit(CommitOptions(ifUnchanged: false, message: options.message))
        }
        if mutant == .rollbackToAnother, case .rollback(let version) = operation, version.rawValue > 1 {
            asked = .rollback(to: VersionID(version.rawValue - 1))
        }
        if mutant == .sharedBesideExclusive, case .lock(let handle, let range, false, _) = operation {
            asked = .testLock(handle: handle, range: range, exclusive: false)
        }
        if job.lock != nil {
            if job.step == 3 { lockEnds(index) }
            lockAsked(index, operation)
        }
        let range = clients[index].plan.deadlineMilliseconds
        let limit = Int64(range.lowerBound + clients[index].chance.below(range.count)) * 1_000_000
        issue(index, limit: limit) { request, deadline in .operation(request, session, asked, payload: payload, deadline: deadline) }
    }

    private mutating func issue(_ index: Int, limit: Int64, _ make: (RequestID, Instant) -> Event) {
        let node = clients[index].node
        let request = RequestID(hosts[node].nextRequest)
        hosts[node].nextRequest += 1
        hosts[node].requests[request] = index
        clients[index].request = request
        clients[index].requestLife = hosts[node].life
        clients[index].turn += 1
        statistics.operations += 1
        let deadline = Instant(nanoseconds: hosts[node].clock.local(now) + limit)
        complete(make(request, deadline), node, after: 5_000)
        after(limit + 4_000_000_000, .overdue(client: index, turn: clients[index].turn))
    }

    /// Every request is answered by its deadline.
    mutating func overdue(_ index: Int, _ turn: UInt64) {
        guard clients[index].turn == turn, clients[index].request != nil else { return }
        let node = clients[index].node
        guard hosts[node].isUp, hosts[node].life == clients[index].requestLife else { return }
        guard hosts[node].pausedUntil + 3_000_000_000 < now else {
            return after(4_000_000_000, .overdue(client: index, turn: turn))
        }
        violate(.answers, "client \(index) at n\(node + 1) got no answer: \(clients[index].job.map { "\($0.kind)" } ?? "open")")
    }

    // MARK: Jobs

    /// Half of the clients keep what they read, and believe names for a while: since every read has an open of
    /// its own, what they read must be as new as what others ask for. Only whether a name is free they must
    /// ask, as those do that believe nothing.
    private func believes(_ client: Int) -> Bool { client % 2 == 1 && clients[client].plan.namesPercent == 0 }

    private mutating func nextJob(_ index: Int) -> Job? {
        let kind = filesystems[clients[index].plan.filesystem].kind
        if kind == .volume, clients[index].volume.version == nil { return Job(.status) }
        if let script = clients[index].script { return script.first }
        let draw = clients[index].chance.below(100)
        let file = clients[index].chance.below(clients[index].plan.files)
        switch kind {
        case .nfs:
            if clients[index].plan.lockPercent > 0, clients[index].chance.below(100) < clients[index].plan.lockPercent {
                return makeLock(file % 2, index)
            }
            if clients[index].plan.namesPercent > 0, clients[index].chance.below(100) < clients[index].plan.namesPercent {
                return makeNames(index)
            }
            switch draw {
            case 0..<45: return makeJob(.read, file, index)
            case 45..<88: return makeJob(.write, file, index)
            case 88..<94: return makeJob(believes(index) ? .write : .createNew, file, index)
            default: return makeJob(.remove, file, index)
            }
        case .volume:
            if clients[index].plan.editPercent > 0, let job = makeEdit(file, index) { return job }
            let volume = clients[index].volume
            if volume.staged.count >= volume.goal {
                return makeJob(.commit(ifUnchanged: draw < clients[index].plan.ifUnchangedPercent), 0, index)
            }
            if volume.staged.isEmpty, draw < 20 { return makeJob(.reload(latest: draw < 12), 0, index) }
            switch draw {
            case 0..<50: return makeJob(.read, file, index)
            case 50..<57: return makeJob(.list, 0, index)
            case 57..<63: return makeJob(.remove, file, index)
            default: return makeJob(.write, file, index)
            }
        }
    }

    mutating func makeJob(_ kind: Job.Kind, _ file: Int, _ index: Int) -> Job {
        var job = Job(kind)
        job.file = file
        guard kind == .write || kind == .createNew else { return job }
        let plan = clients[index].plan
        let isLarge = plan.largeOneIn > 0 && clients[index].chance.below(plan.largeOneIn) == 0
        let length =
            isLarge
            ? plan.largeBytes.lowerBound + clients[index].chance.below(plan.largeBytes.count) : 16 + clients[index].chance.below(1_500)
        job.length = UInt64(length)
        job.tag = histories.newValue(length: UInt64(length))
        job.pieces = isLarge ? 1 + clients[index].chance.below(3) : 1
        return job
    }

    // MARK: Where clients are

    private mutating func roam(_ index: Int) {
        guard now >= clients[index].nextRoam, let span = clients[index].plan.roamAfter, clients[index].volume.staged.isEmpty else { return }
        clients[index].nextRoam = now + span.inNanoseconds
        clients[index].regionPlace = (clients[index].regionPlace + 1) % clients[index].plan.regions.count
        leaveSession(index)
        let region = clients[index].plan.regions[clients[index].regionPlace]
        if let node = hosts.indices.first(where: { hosts[$0].region == region && hosts[$0].isUp }) { clients[index].node = node }
    }

    /// Its node is down: another one of the region, or patience.
    private mutating func move(_ index: Int) {
        let region = clients[index].plan.regions[clients[index].regionPlace]
        let up = hosts.indices.filter { hosts[$0].region == region && hosts[$0].isUp && !hosts[$0].isLeftOut }
        if !up.isEmpty { clients[index].node = up[clients[index].chance.below(up.count)] }
        if up.isEmpty, isFrozen, clients[index].script == nil { return finish(index) }
        schedule(index, after: 300_000_000)
    }

    mutating func leaveSession(_ index: Int) {
        let node = clients[index].node
        if let session = clients[index].session, hosts[node].isUp { complete(.closeSession(session), node, after: 1_000) }
        clients[index].session = nil
        clients[index].volume = VolumeView()
    }

    private mutating func finish(_ index: Int) {
        leaveSession(index)
        clients[index].isDone = true
    }

    /// The node has crashed: what its clients waited for never comes.
    mutating func clientsLost(_ node: Int) {
        for index in clients.indices where clients[index].node == node && !clients[index].isDone {
            clients[index].session = nil
            let wasWaiting = clients[index].request != nil
            clients[index].request = nil
            if let job = clients[index].job { abandon(job, index, isUnknown: wasWaiting) }
            clients[index].job = nil
            clients[index].volume = VolumeView()
            schedule(index, after: Int64(100 + clients[index].chance.below(900)) * 1_000_000)
        }
    }
}
