import Filesystem
import NodeCore
import Primitives
import Replication

// What the data plane does: stages, chunks, and their way between machines.
extension World {
    // MARK: Stages

    mutating func stageWrite(_ stage: StageID, _ offset: UInt64, _ buffer: BufferID, _ token: WaitToken, _ node: Int) {
        guard let content = hosts[node].buffers[buffer] else {
            return complete(.stageWritten(token, ok: false, reason: "its bytes are gone"), node, after: 1_000)
        }
        let isLost = mutant == .lostWrite && hosts[node].stages[stage] == nil && content.length > 8_192
        hosts[node].stages[stage, default: []].append((offset, isLost ? Content(tag: Content.zeroTag, length: content.length) : content))
        complete(.stageWritten(token, ok: true, reason: ""), node, after: 20_000 + Int64(content.length) / 2)
    }

    mutating func storeStage(_ stage: StageID, _ inPlace: Bool, _ limit: UInt32, _ token: WaitToken, _ node: Int) {
        let writes = hosts[node].stages.removeValue(forKey: stage) ?? []
        guard hosts[node].disk.storage != nil || !hosts[node].disk.isFull else {
            return complete(.stageFailed(token, Self.refusal("its disk is full")), node, after: 1_000_000)
        }
        let (stored, chunks) = assemble(writes, inPlace, limit)
        let bytes = chunks.reduce(0) { $0 + Int64($1.1.length) }
        if !chunks.isEmpty { storage(node)?.begin(work(chunks)) }
        if mutant == .chunkAckBeforeSync {
            complete(.stageStored(token, stored), node, after: 10_000)
            return after(diskDelay(node, bytes: bytes), .stageStored(node: node, life: hosts[node].life, WaitToken(0), stored, chunks))
        }
        after(
            chunks.isEmpty ? 10_000 : diskDelay(node, bytes: bytes), .stageStored(node: node, life: hosts[node].life, token, stored, chunks)
        )
    }

    private static func refusal(_ cause: String) -> FileFailure {
        FileFailure(.noSpace, operation: "store", object: "node", cause: cause, hint: "free some space; reads go on meanwhile")
    }

    /// Later writes over earlier ones; small wholes inline, the rest cut into chunks. Clients write without gaps.
    private func assemble(_ writes: [(offset: UInt64, content: Content)], _ inPlace: Bool, _ limit: UInt32) -> (
        StoredContent, [(ChunkID, Content)]
    ) {
        let end = writes.map { $0.offset + $0.content.length }.max() ?? 0
        let start = writes.map(\.offset).min() ?? 0
        var whole = Content()
        for write in writes { whole = whole.overlaid(write.content, at: write.offset - start) }
        if end <= UInt64(limit) {
            if inPlace { return (.patches([ContentPatch(offset: start, bytes: whole.bytes)]), []) }
            return (.inline(Content().overlaid(whole, at: start).bytes), [])
        }
        var extents: [Extent] = []
        var chunks: [(ChunkID, Content)] = []
        var position: UInt64 = 0
        for length in whole.chunkLengths(size: options.chunkBytes, byContent: options.cutsByContent) {
            let piece = whole.slice(position, length)
            let id = piece.chunkID
            chunks.append((id, piece))
            let reference = ChunkReference(id: id, length: UInt32(piece.length))
            extents.append(Extent(offset: start + position, length: piece.length, chunk: reference, chunkOffset: 0))
            position += piece.length
        }
        return (.extents(extents, size: end), chunks)
    }

    mutating func stageStored(_ node: Int, _ life: UInt32, _ token: WaitToken, _ stored: StoredContent, _ chunks: [(ChunkID, Content)]) {
        guard hosts[node].isUp, hosts[node].life == life else { return }
        for (id, content) in chunks where contents.updateValue(content, forKey: id) == nil { contentLook.order.append(id) }
        if !chunks.isEmpty, let result = storage(node)?.finish(work(chunks)), !result.isDone {
            return complete(.stageFailed(token, Self.refusal(result.reason)), node, after: 0)
        }
        for (id, _) in chunks {
            hosts[node].disk.store(id)
            touch(id, node)
        }
        if mutant != .chunkAckBeforeSync { complete(.stageStored(token, stored), node, after: 0) }
    }

    // MARK: Reading

    mutating func readExtents(
        _ extents: [Extent], _ under: [UInt8], _ offset: UInt64, _ length: UInt32, _ token: WaitToken, _ node: Int
    ) {
        var missing: [ChunkID] = []
        var wrong: [ChunkID] = []
        for extent in extents {
            let id = extent.chunk.id
            switch read(id, node) {
            case .sound: break
            case .wrong: wrong.append(id)
            case .missing: if !missing.contains(id) { missing.append(id) }
            }
        }
        let delay = 50_000 * Int64(hosts[node].disk.slowness) + max(0, hosts[node].disk.stalledUntil - now)
        guard missing.isEmpty else { return complete(.bytesMissing(token, missing, reason: ""), node, after: delay) }
        var whole = Content(tag: Content.zeroTag, length: UInt64(length))
        if offset < UInt64(under.count) {
            let visible = Content(under).slice(offset, min(UInt64(under.count) - offset, UInt64(length)))
            whole = whole.overlaid(visible, at: 0)
        }
        for extent in extents {
            guard var piece = contents[extent.chunk.id] else { preconditionFailure("a chunk that nobody stored: \(extent.chunk)") }
            if wrong.contains(extent.chunk.id) { piece = Content(tag: .max, length: piece.length) }
            let low = max(offset, extent.offset)
            let high = min(offset + UInt64(length), extent.end)
            guard low < high else { continue }
            whole = whole.overlaid(piece.slice(UInt64(extent.chunkOffset) + low - extent.offset, high - low), at: low - offset)
        }
        let payload = hosts[node].insert(whole)
        complete(.bytesRead(token, payload), node, after: delay + Int64(length) / 2)
    }

    // MARK: Copies

    mutating func pushChunks(_ chunks: [ChunkReference], _ from: Int, _ to: Int, _ token: WaitToken) {
        let failure = Event.chunksPushed(token, ok: false)
        let isHere = chunks.count { read($0.id, from) != .missing } == chunks.count
        guard hosts.indices.contains(to), isHere else { return complete(failure, from, after: 1_000_000) }
        let isOffered = chunks.reduce(0) { $0 + Int($1.length) } > Self.unaskedBytes
        guard isOffered ? offerChunks(chunks, from, to, token) : sendChunks(chunks, from, to, token) else {
            return complete(failure, from, after: 1_000_000)
        }
        if mutant == .pushAckBeforeStore { return complete(.chunksPushed(token, ok: true), from, after: 1_000) }
        hosts[from].transfers.append((token, to, failure))
    }

    /// A push of more is offered first, and only what is missing there is sent; as the live data plane does.
    private static var unaskedBytes: Int { 1 << 20 }

    private mutating func sendChunks(_ chunks: [ChunkReference], _ from: Int, _ to: Int, _ token: WaitToken) -> Bool {
        let bytes = chunks.reduce(200) { $0 + onWire($1.length) + 80 }
        let epoch = connections[link(from, to)].epoch
        return transmit(
            from, to, bytes: bytes, isBulk: true,
            .chunksArrived(from: from, to: to, epoch: epoch, chunks, missing: [], token, isPush: true))
    }

    private mutating func offerChunks(_ chunks: [ChunkReference], _ from: Int, _ to: Int, _ token: WaitToken) -> Bool {
        let epoch = connections[link(from, to)].epoch
        return transmit(
            from, to, bytes: Int64(100 + 40 * chunks.count), isBulk: false,
            .chunksOffered(from: from, to: to, epoch: epoch, chunks, token))
    }

    mutating func chunksOffered(_ from: Int, _ to: Int, _ epoch: UInt32, _ chunks: [ChunkReference], _ token: WaitToken) {
        guard hosts[to].isUp, connections[link(from, to)].epoch == epoch else { return }
        var wanted: [ChunkReference] = []
        for chunk in chunks {
            if hosts[to].disk.holds(chunk.id) { touch(chunk.id, to) } else { wanted.append(chunk) }
        }
        transmit(
            to, from, bytes: Int64(80 + 40 * wanted.count), isBulk: false,
            .chunksWanted(from: from, to: to, life: hosts[from].life, wanted, token))
    }

    mutating func chunksWanted(_ from: Int, _ to: Int, _ life: UInt32, _ wanted: [ChunkReference], _ token: WaitToken) {
        guard hosts[from].isUp, hosts[from].life == life, hosts[from].transfers.contains(where: { $0.token == token }) else { return }
        let isHere = wanted.allSatisfy { hosts[from].disk.holds($0.id) }
        guard !wanted.isEmpty, isHere, sendChunks(wanted, from, to, token) else {
            return transferEnded(from, life, token, .chunksPushed(token, ok: wanted.isEmpty))
        }
    }

    mutating func fetchChunks(_ chunks: [ChunkReference], _ node: Int, _ source: Int, _ token: WaitToken) {
        let failure = Event.chunksFetched(token, missing: chunks.map(\.id))
        guard hosts.indices.contains(source), source != node else { return complete(failure, node, after: 1_000_000) }
        let epoch = connections[link(node, source)].epoch
        let isSent = transmit(
            node, source, bytes: Int64(100 + 40 * chunks.count), isBulk: false,
            .chunksAsked(from: node, to: source, epoch: epoch, chunks, token))
        guard isSent else { return complete(failure, node, after: 1_000_000) }
        hosts[node].transfers.append((token, source, failure))
    }

    mutating func chunksAsked(_ asker: Int, _ source: Int, _ epoch: UInt32, _ chunks: [ChunkReference], _ token: WaitToken) {
        guard hosts[source].isUp, connections[link(asker, source)].epoch == epoch else { return }
        var given: [ChunkReference] = []
        var missing: [ChunkID] = []
        for chunk in chunks {
            if read(chunk.id, source) != .missing { given.append(chunk) } else { missing.append(chunk.id) }
        }
        let bytes = given.reduce(100) { $0 + onWire($1.length) + 80 }
        let back = connections[link(source, asker)].epoch
        transmit(
            source, asker, bytes: bytes, isBulk: true,
            .chunksArrived(from: source, to: asker, epoch: back, given, missing: missing, token, isPush: false))
    }

    mutating func chunksArrived(
        _ from: Int, _ to: Int, _ epoch: UInt32, _ chunks: [ChunkReference], _ missing: [ChunkID], _ token: WaitToken, _ isPush: Bool
    ) {
        guard hosts[to].isUp, connections[link(from, to)].epoch == epoch else { return }
        var missing = missing
        var stored = chunks
        if let storage = storage(to) {
            if !chunks.isEmpty {
                storage.begin(work(chunks))
                // As in the live node readers do not wait for the disk; who counts on a copy asks the store.
                if !isPush { tellArrived(chunks.filter { storage.read($0.id) == .sound }, token, to) }
            }
        } else if hosts[to].disk.isFull {
            missing += chunks.map(\.id)
            stored = []
        }
        let delay = stored.isEmpty ? 10_000 : diskDelay(to, bytes: stored.reduce(0) { $0 + Int64($1.length) })
        after(delay, .chunksStored(from: from, to: to, life: hosts[to].life, stored, missing: missing, token, isPush: isPush))
    }

    mutating func chunksStored(
        _ from: Int, _ to: Int, _ life: UInt32, _ chunks: [ChunkReference], _ missing: [ChunkID], _ token: WaitToken, _ isPush: Bool
    ) {
        guard hosts[to].isUp, hosts[to].life == life else { return }
        var (chunks, missing) = (chunks, missing)
        if !chunks.isEmpty, storage(to)?.finish(work(chunks)).isDone == false {
            missing += chunks.map(\.id)
            chunks = []
        }
        for chunk in chunks {
            hosts[to].disk.store(chunk.id)
            // One copy in twenty was altered on its way.
            if mutant == .copiesUnverified, chance.below(20) == 0 { hosts[to].disk.forged.insert(chunk.id) }
            touch(chunk.id, to)
        }
        if !isPush, hosts[to].disk.storage == nil { tellArrived(chunks, token, to) }
        guard isPush else { return transferEnded(to, life, token, .chunksFetched(token, missing: missing)) }
        let event = Event.chunksPushed(token, ok: missing.isEmpty)
        transmit(to, from, bytes: 80, isBulk: false, .transferEnded(node: from, life: hosts[from].life, token, event))
    }

    private mutating func tellArrived(_ chunks: [ChunkReference], _ token: WaitToken, _ node: Int) {
        guard !chunks.isEmpty, hosts[node].transfers.contains(where: { $0.token == token }) else { return }
        complete(.chunks(.arrived(token, chunks.map { FetchedChunk($0.id, sentBytes: UInt32(onWire($0.length))) })), node, after: 0)
    }

    /// Once: a transfer that was given up is over.
    mutating func transferEnded(_ node: Int, _ life: UInt32, _ token: WaitToken, _ event: Event) {
        guard hosts[node].isUp, hosts[node].life == life else { return }
        guard let place = hosts[node].transfers.firstIndex(where: { $0.token == token }) else { return }
        hosts[node].transfers.remove(at: place)
        complete(event, node, after: 0)
    }

    mutating func failTransfers(of node: Int, with peer: Int) {
        let failed = hosts[node].transfers.filter { $0.peer == peer }
        guard !failed.isEmpty else { return }
        hosts[node].transfers.removeAll { $0.peer == peer }
        for transfer in failed { complete(transfer.failure, node, after: 0) }
    }
}
