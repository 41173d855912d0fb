import Glibc
import Logging
import NIOCore
import NodeCore
import Primitives
import Replication
import Storage
import Synchronization
import Transport

/// Copies chunks from node to node: pushes (to where placement wants them) and fetches (of what is
/// missing). Bytes are verified by their hash on arrival, and acknowledged when they are durable.
final class ChunkExchange: Sendable {
    /// Bytes of chunks in one frame, as they are stored: compressed once, on the node that took them in.
    private static let frameBytes = 4 << 20
    /// A push of up to this many bytes is sent without asking what the other side has already: the
    /// round trip costs more than the bytes.
    private static let unaskedBytes = 1 << 20
    /// Bytes of chunks in one frame of a fetch: small, so that each that comes shows that the source is at work.
    private static let answerBytes = 1 << 20

    private enum Pending {
        case push(to: NodeID, WaitToken, [ChunkReference])
        case fetch(from: NodeID, WaitToken, [ChunkReference], got: Set<ChunkID>)
    }

    private let store: ChunkStore
    private let network: PeerNetwork
    private let workers: BoundedExecutor
    private let logger: Logger
    private let post: @Sendable (Event) -> Void
    private struct State {
        var pending: [UInt64: Pending] = [:]
        var next: UInt64 = 1
        /// Frames of pushes and fetches that are coming in.
        var arriving: [Arrival: Progress] = [:]
    }
    /// How much of a push or fetch has been dealt with.
    private struct Progress {
        var stored: UInt32 = 0
        /// Known once the last frame has come, which may overtake others on its flow.
        var expected: UInt32?
        var hasFailed = false
    }
    private struct Arrival: Hashable {
        let node: NodeID
        let token: UInt64
    }
    private let state = Mutex(State())

    init(store: ChunkStore, network: PeerNetwork, workers: BoundedExecutor, logger: Logger, post: @escaping @Sendable (Event) -> Void) {
        self.store = store
        self.network = network
        self.workers = workers
        self.logger = logger
        self.post = post
    }

    private func begin(_ pending: Pending) -> UInt64 {
        state.withLock { state in
            let token = state.next
            state.next += 1
            state.pending[token] = pending
            return token
        }
    }

    private func send(_ message: DataMessage, to node: NodeID, lane: Transport.Lane = .control, attachment: ByteBuffer? = nil) -> Bool {
        if case .accepted = network.send(to: node, lane: lane, header: message.frameHeader, attachment: attachment) { return true }
        return false
    }

    // MARK: Pushing

    func push(_ chunks: [ChunkReference], to node: NodeID, _ wait: WaitToken) {
        let token = begin(.push(to: node, wait, chunks))
        let total = chunks.reduce(0) { $0 + Int($1.length) }
        if total <= Self.unaskedBytes {
            sendChunks(chunks, to: node, token)
        } else if !send(.offer(token: token, chunks), to: node) {
            end(token, ok: false)
        }
    }

    private func sendChunks(_ chunks: [ChunkReference], to node: NodeID, _ token: UInt64) {
        workers.run { [self] in
            var batch: [ChunkReference] = []
            var buffer = ByteBuffer()
            var frames: UInt32 = 1
            do throws(StorageError) {
                for chunk in chunks {
                    let bytes = try store.getStored(chunk.id).xdrBytes
                    if buffer.readableBytes + bytes.count > Self.frameBytes, !batch.isEmpty {
                        guard sendPatiently(.chunks(token: token, batch, frames: 0), to: node, buffer) else {
                            end(token, ok: false)
                            return
                        }
                        batch = []
                        buffer = ByteBuffer()
                        frames += 1
                    }
                    batch.append(chunk)
                    buffer.writeBytes(bytes)
                }
            } catch {
                logger.warning("a chunk cannot be copied", metadata: ["error": "\(error)", "to": "\(node)"])
                end(token, ok: false)
                return
            }
            if !sendPatiently(.chunks(token: token, batch, frames: frames), to: node, buffer) { end(token, ok: false) }
        }
    }

    /// A full queue to a slow region is waited for, within a bound; this is a thread of our own.
    private func sendPatiently(_ message: DataMessage, to node: NodeID, _ buffer: ByteBuffer) -> Bool {
        for _ in 0..<1_200 {
            switch network.send(to: node, lane: .bulk, header: message.frameHeader, attachment: buffer) {
            case .accepted: return true
            case .refused(.queueFull): usleep(50_000)
            case .refused: return false
            }
        }
        return false
    }

    private func end(_ token: UInt64, ok: Bool) {
        guard let pending = state.withLock({ $0.pending.removeValue(forKey: token) }) else { return }
        switch pending {
        case .push(_, let wait, _): post(.chunksPushed(wait, ok: ok))
        case .fetch(_, let wait, let wanted, let got): post(.chunksFetched(wait, missing: wanted.map(\.id).filter { !got.contains($0) }))
        }
    }

    /// Tells a peer to keep what it has of these; its answer finds nobody who waits.
    func vouch(_ chunks: [ChunkReference], to node: NodeID) { _ = send(.offer(token: Self.noToken, chunks), to: node) }
    private static let noToken: UInt64 = 0

    // MARK: Fetching

    func fetch(_ chunks: [ChunkReference], from node: NodeID, _ wait: WaitToken) {
        workers.run { [self] in
            // Whoever asks counts on them from now on.
            let have = (try? store.vouch(chunks.map(\.id))) ?? chunks.map { _ in false }
            let wanted = zip(chunks, have).filter { !$0.1 }.map(\.0)
            guard !wanted.isEmpty else {
                post(.chunksFetched(wait, missing: []))
                return
            }
            let token = begin(.fetch(from: node, wait, wanted, got: []))
            // What was here already is told at once; the rest may take a while.
            if wanted.count < chunks.count {
                post(.chunks(.arrived(wait, zip(chunks, have).filter(\.1).map { FetchedChunk($0.0.id, sentBytes: 0) })))
            }
            if !send(.fetch(token: token, wanted), to: node) { end(token, ok: false) }
        }
    }

    /// Nobody waits for the rest.
    func cancelFetch(_ wait: WaitToken) {
        state.withLock { state in
            state.pending = state.pending.filter { entry in
                if case .fetch(_, wait, _, _) = entry.value { return false }
                return true
            }
        }
    }

    /// What was under way with a peer that is lost fails now.
    func lost(_ peer: NodeID) {
        let tokens = state.withLock { state in
            state.pending.filter { entry in
                switch entry.value {
                case .push(let to, _, _): to == peer
                case .fetch(let from, _, _, _): from == peer
                }
            }.map(\.key)
        }
        for token in tokens { end(token, ok: false) }
        state.withLock { state in state.arriving = state.arriving.filter { $0.key.node != peer } }
    }

    // MARK: Messages

    func received(_ message: DataMessage, from node: NodeID, attachment: ByteBuffer?) {
        switch message {
        case .offer(let token, let chunks):
            workers.run { [self] in
                // Who offers goes by the answer, so what is here is kept from now on.
                let have = (try? store.vouch(chunks.map(\.id))) ?? chunks.map { _ in false }
                let wanted = have.enumerated().filter { !$0.element }.map { UInt32($0.offset) }
                _ = send(wanted.isEmpty ? .stored(token: token, ok: true) : .want(token: token, wanted), to: node)
            }
        case .want(let token, let positions):
            guard case .push(_, _, let chunks)? = state.withLock({ $0.pending[token] }) else { return }
            sendChunks(positions.filter { $0 < chunks.count }.map { chunks[Int($0)] }, to: node, token)
        case .chunks(let token, let chunks, let frames): arrived(token, chunks, frames: frames, attachment, from: node)
        case .stored(let token, let ok): end(token, ok: ok)
        case .fetch(let token, let chunks): answerFetch(token, chunks, to: node)
        case .fetched(let token, let chunks, let frames): fetched(token, chunks, frames: frames, attachment, from: node)
        case .snapshot, .snapshotReceived: preconditionFailure("snapshots have an exchange of their own")
        }
    }

    /// Frames of one push may overtake each other on different flows: the push is acknowledged when
    /// as many have been stored as the last one says there are.
    private func arrived(_ token: UInt64, _ chunks: [ChunkReference], frames: UInt32, _ attachment: ByteBuffer?, from node: NodeID) {
        workers.run { [self] in
            let ok = store(chunks, attachment)
            if let whole = note(Arrival(node: node, token: token), frames: frames, ok: ok) {
                _ = send(.stored(token: token, ok: whole), to: node)
            }
        }
    }

    /// Counts a frame that has been dealt with. Non-nil when it was the last of them: whether all were stored.
    private func note(_ arrival: Arrival, frames: UInt32, ok: Bool) -> Bool? {
        state.withLock { state in
            var progress = state.arriving[arrival] ?? Progress()
            progress.stored += 1
            if frames > 0 { progress.expected = frames }
            if !ok { progress.hasFailed = true }
            guard progress.stored == progress.expected else {
                state.arriving[arrival] = progress
                return nil
            }
            state.arriving[arrival] = nil
            return !progress.hasFailed
        }
    }

    /// Verifies and stores; true when all are durable. `readable` is called before that, when they can be read.
    private func store(_ chunks: [ChunkReference], _ attachment: ByteBuffer?, readable: (() -> Void)? = nil) -> Bool {
        guard let bytes = attachment else { return chunks.isEmpty }
        do {
            var reader = XDRReader(Array(bytes.readableBytesView))
            var copies: [StoredChunk] = []
            for chunk in chunks {
                let stored: StoredChunk = try reader.value()
                guard stored.reference == chunk else { return false }
                copies.append(stored)
            }
            // Hashes are checked there; they go to the disk as they came, compressed once.
            if let readable { try store.putForReaders(copies, readable: readable) } else { try store.put(copies) }
            return true
        } catch {
            logger.warning("copies of chunks cannot be stored", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func answerFetch(_ token: UInt64, _ chunks: [ChunkReference], to node: NodeID) {
        workers.run { [self] in
            var batch: [ChunkReference] = []
            var buffer = ByteBuffer()
            var frames: UInt32 = 1
            for chunk in chunks {
                guard let bytes = try? store.getStored(chunk.id).xdrBytes else { continue }
                if buffer.readableBytes + bytes.count > Self.answerBytes, !batch.isEmpty {
                    guard sendPatiently(.fetched(token: token, batch, frames: 0), to: node, buffer) else { return }
                    batch = []
                    buffer = ByteBuffer()
                    frames += 1
                }
                batch.append(chunk)
                buffer.writeBytes(bytes)
            }
            _ = sendPatiently(.fetched(token: token, batch, frames: frames), to: node, buffer)
        }
    }

    /// Bytes that were sent, by chunk: in proportion to their lengths, and the rest with the last.
    private static func shares(of bytes: Int, among chunks: [ChunkReference]) -> [FetchedChunk] {
        let total = max(1, chunks.reduce(0) { $0 + UInt64($1.length) })
        var left = UInt64(bytes)
        return chunks.enumerated().map { position, chunk in
            let share = position + 1 == chunks.count ? left : min(left, UInt64(bytes) * UInt64(chunk.length) / total)
            left -= share
            return FetchedChunk(chunk.id, sentBytes: UInt32(clamping: max(1, share)))
        }
    }

    private func tellArrived(_ token: UInt64, _ chunks: [ChunkReference], bytes: Int) {
        let wait: WaitToken? = state.withLock { state in
            guard case .fetch(let from, let wait, let wanted, var got)? = state.pending[token] else { return nil }
            for chunk in chunks { got.insert(chunk.id) }
            state.pending[token] = .fetch(from: from, wait, wanted, got: got)
            return wait
        }
        if let wait, !chunks.isEmpty { post(.chunks(.arrived(wait, Self.shares(of: bytes, among: chunks)))) }
    }

    /// The disk lost them before they were durable.
    private func forget(_ token: UInt64, _ chunks: [ChunkReference]) {
        state.withLock { state in
            guard case .fetch(let from, let wait, let wanted, var got)? = state.pending[token] else { return }
            for chunk in chunks { got.remove(chunk.id) }
            state.pending[token] = .fetch(from: from, wait, wanted, got: got)
        }
    }

    private func fetched(_ token: UInt64, _ chunks: [ChunkReference], frames: UInt32, _ attachment: ByteBuffer?, from node: NodeID) {
        workers.run { [self] in
            // Readers go on at once. Who counts on a copy asks the store, which waits for the disk (`ChunkStore.has`).
            let ok = store(chunks, attachment) { self.tellArrived(token, chunks, bytes: attachment?.readableBytes ?? 0) }
            if !ok { forget(token, chunks) }
            if note(Arrival(node: node, token: token), frames: frames, ok: ok) != nil { end(token, ok: true) }
        }
    }
}
