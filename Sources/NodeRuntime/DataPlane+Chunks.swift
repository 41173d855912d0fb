import Logging
import NodeCore
import Primitives
import Storage

// The store's side of upkeep: what is missing, what is idle, what is to be deleted.

extension DataPlane {
    func perform(_ work: ChunkWork) {
        switch work {
        case .vouch(let chunks, let node): exchange.vouch(chunks, to: node)
        case .cancelFetch(let token): exchange.cancelFetch(token)
        case .audit(let chunks, let token):
            answer(token, to: "look for chunks") { [store] () throws(StorageError) in
                let have = try store.has(chunks.map(\.id))
                return .audited(token, missing: zip(chunks, have).filter { !$0.1 }.map(\.0))
            }
        case .claim(let chunks, let token):
            answer(token, to: "look for chunks") { [store] () throws(StorageError) in
                let have = try store.vouch(chunks.map(\.id))
                return .audited(token, missing: zip(chunks, have).filter { !$0.1 }.map(\.0))
            }
        case .listIdle(let after, let limit, let idle, let token):
            answer(token, to: "list chunks") { [store] () throws(StorageError) in
                let page = try store.listIdle(after: after, limit: limit, idle: idle)
                return .idle(token, page.ids, next: page.next)
            }
        case .sweep(let ids, let idle, let token):
            answer(token, to: "sweep chunks") { [store] () throws(StorageError) in
                let step = try store.sweep(ids, idle: idle)
                return .swept(token, chunks: UInt64(step.chunks), bytes: step.bytes)
            }
        }
    }

    private func answer(_ token: WaitToken, to purpose: String, _ body: @escaping @Sendable () throws(StorageError) -> ChunkReport) {
        upkeep.run { [post, logger] in
            do throws(StorageError) { post(.chunks(try body())) } catch {
                logger.warning("upkeep of the chunk store failed", metadata: ["purpose": "\(purpose)", "error": "\(error)"])
                post(.chunks(.failed(token)))
            }
        }
    }
}
