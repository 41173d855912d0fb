import DequeModule
import Dispatch
import Filesystem
import Logging
import NIOCore
import NodeCore
import Primitives
import Storage
import Synchronization
import Transport

/// Content: stages, chunks and their copies. Blocking work runs on threads of its own, never on an
/// event loop or the cooperative pool; every call ends in one event.
final class DataPlane: Sendable {
    let store: ChunkStore
    let buffers: BufferTable
    let logger: Logger
    let network: PeerNetwork
    let post: @Sendable (Event) -> Void
    /// Reads of what is here, which never wait behind what comes in or goes out.
    private let readers = BoundedExecutor(label: "atoll.read", width: 4)
    /// Upkeep, one thing after the other, so that it never takes a reader's place.
    let upkeep = BoundedExecutor(label: "atoll.upkeep", width: 1)
    /// Stages by id; each has a queue of its own, so that its writes stay in order.
    private let stages = Mutex<[StageID: StageQueue]>([:])
    let exchange: ChunkExchange

    private final class StageQueue: Sendable {
        let queue: DispatchQueue
        nonisolated(unsafe) let stage: Stage
        init(_ id: StageID, store: ChunkStore) {
            queue = DispatchQueue(label: "atoll.stage.\(id.rawValue)")
            stage = Stage(store: store)
        }
    }

    init(store: ChunkStore, buffers: BufferTable, network: PeerNetwork, logger: Logger, post: @escaping @Sendable (Event) -> Void) {
        self.store = store
        self.buffers = buffers
        self.network = network
        self.logger = logger
        self.post = post
        let transfers = BoundedExecutor(label: "atoll.data", width: 4)
        exchange = ChunkExchange(store: store, network: network, workers: transfers, logger: logger, post: post)
    }

    // MARK: Stages

    private func stage(_ id: StageID) -> StageQueue {
        stages.withLock { stages in
            if let known = stages[id] { return known }
            let made = StageQueue(id, store: store)
            stages[id] = made
            return made
        }
    }

    func write(_ id: StageID, offset: UInt64, _ buffer: BufferID, overwrites: Bool, _ token: WaitToken) {
        guard let bytes = buffers[buffer] else {
            post(.stageWritten(token, ok: false, reason: "its bytes are gone"))
            return
        }
        let entry = stage(id)
        entry.queue.async { [post] in
            do throws(StorageError) {
                try entry.stage.write(Array(bytes.readableBytesView), at: offset, overwrites: overwrites)
                post(.stageWritten(token, ok: true, reason: ""))
            } catch {
                post(.stageFailed(token, error.failure(operation: "write")))
            }
        }
    }

    func store(_ id: StageID, inPlace: Bool, inlineLimit: UInt32, _ token: WaitToken) {
        let entry = stage(id)
        stages.withLock { $0[id] = nil }
        entry.queue.async { [post] in
            do throws(StorageError) {
                post(.stageStored(token, try entry.stage.finish(inPlace: inPlace, inlineLimit: inlineLimit)))
            } catch {
                post(.stageFailed(token, error.failure(operation: "store")))
            }
        }
    }

    func drop(_ id: StageID) {
        guard let entry = stages.withLock({ $0.removeValue(forKey: id) }) else { return }
        entry.queue.async { entry.stage.cancel() }
    }

    /// What stages have stored is named by nobody until they are finished; it is not garbage.
    func touchStages() {
        for entry in stages.withLock({ Array($0.values) }) { entry.queue.async { [store] in store.touch(entry.stage.storedChunks) } }
    }

    // MARK: Reading

    func read(_ extents: [Extent], under: [UInt8], offset: UInt64, length: UInt32, _ token: WaitToken) {
        readers.run { [self] in
            do throws(StorageError) {
                var missing: [ChunkReference] = []
                let bytes = try [UInt8](unsafeUninitializedCapacity: Int(length)) { (out, count) throws(StorageError) in
                    count = Int(length)
                    missing = try store.read(extents, at: offset, into: UnsafeMutableRawBufferPointer(out))
                }
                guard missing.isEmpty else {
                    post(.bytesMissing(token, missing.map(\.id), reason: ""))
                    return
                }
                post(.bytesRead(token, payload(Self.merge(bytes, under: under, at: offset, extents))))
            } catch {
                post(.stageFailed(token, error.failure(operation: "read")))
            }
        }
    }

    /// Inline bytes lie below the extents and fill what these leave open.
    private static func merge(_ bytes: [UInt8], under: [UInt8], at offset: UInt64, _ extents: [Extent]) -> [UInt8] {
        guard offset < UInt64(under.count) else { return bytes }
        var out = bytes
        let end = min(UInt64(under.count), offset + UInt64(bytes.count))
        var position = offset
        func fill(to stop: UInt64) {
            guard position < stop else { return }
            out.replaceSubrange(Int(position - offset)..<Int(stop - offset), with: under[Int(position)..<Int(stop)])
        }
        for extent in extents where extent.end > position && position < end {
            fill(to: min(extent.offset, end))
            position = extent.end
        }
        fill(to: end)
        return out
    }

    func makeBuffer(_ bytes: [UInt8], _ token: WaitToken) { post(.bytesRead(token, payload(bytes))) }

    /// The slice shares the whole's memory, which is given back when both are dropped.
    func slice(_ buffer: BufferID, offset: UInt32, length: UInt32, _ token: WaitToken) {
        guard let id = buffers.insertSlice(of: buffer, offset: Int(offset), length: Int(length)) else {
            let failure = FileFailure(
                .ioError, operation: "read", object: "buffer \(buffer)", cause: "it does not hold \(length) bytes at \(offset)",
                hint: "open the file and read it again")
            return post(.stageFailed(token, failure))
        }
        post(.bytesRead(token, Payload(buffer: id, length: length)))
    }

    private func payload(_ bytes: [UInt8]) -> Payload {
        Payload(buffer: buffers.insert(ByteBuffer(bytes: bytes)), length: UInt32(bytes.count))
    }
}

/// A few threads for blocking work; more work than threads waits in order.
final class BoundedExecutor: Sendable {
    private let queue: DispatchQueue
    private let width: Int
    private struct State {
        var waiting = Deque<@Sendable () -> Void>()
        var running = 0
    }
    private let state = Mutex(State())

    init(label: String, width: Int) {
        queue = DispatchQueue(label: label, attributes: .concurrent)
        self.width = width
    }

    func run(_ body: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            state.waiting.append(body)
            guard state.running < width else { return false }
            state.running += 1
            return true
        }
        if starts { queue.async { [self] in drain() } }
    }

    /// What waits runs on the thread that is awake already.
    private func drain() {
        while let body = next() { body() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            if let body = state.waiting.popFirst() { return body }
            state.running -= 1
            return nil
        }
    }
}

extension StorageError {
    /// As a program sees it.
    func failure(operation: String) -> FileFailure {
        switch self {
        case .noSpace:
            FileFailure(
                .noSpace, operation: operation, object: "node", cause: "the node's disk is full",
                hint: "free some space; reads go on meanwhile")
        case .corruptChunk, .corrupt: FileFailure(.corrupt, operation: operation, object: "node", cause: "\(self)")
        default: FileFailure(.ioError, operation: operation, object: "node", cause: "\(self)")
        }
    }
}
