import Chunks
import Consensus
import NodeCore
package import Primitives
import ReplicaStorage
package import Simulation
import Storage

// Snapshots and chunks.
extension NodeStorage {
    package func begin(_ work: WorldWork) {
        underWay.append(work)
        // Copies can be read from now on, and are durable when the work is finished, or when somebody asks for them.
        if case .chunks(let batch, areCopies: true) = work { try? stage(batch) }
    }

    package func finish(_ work: WorldWork) -> WorldWorkResult {
        if let place = underWay.firstIndex(where: { $0.isSame(as: work) }) { underWay.remove(at: place) }
        return perform(work)
    }

    func perform(_ work: WorldWork) -> WorldWorkResult {
        do {
            switch work {
            case .chunks(let batch, let areCopies):
                try put(batch, areCopies: areCopies)
                return WorldWorkResult(isDone: true)
            case .snapshot(let group, let metadata, let machine, isReceived: false):
                guard let snapshots else { return WorldWorkResult(isDone: false) }
                let isSaved = try ReplicaStorage.save(group, metadata, machine, in: snapshots) { () throws(StorageError) in
                    try record(group, metadata)
                }
                return WorldWorkResult(isDone: isSaved)
            case .snapshot(let group, let metadata, let machine, isReceived: true): return try receive(group, metadata, machine)
            }
        } catch {
            return WorldWorkResult(isDone: false, reason: "\(error)")
        }
    }

    /// As the live `SnapshotExchange` takes one up: what is handed on is what the disk has.
    private func receive(_ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine) throws -> WorldWorkResult {
        guard let snapshots, !leaving.contains(group) else { return WorldWorkResult(isDone: false) }
        let writer = try snapshots.begin(group, index: metadata.index, term: metadata.term, meta: metadata.xdrBytes)
        try machine.encodeSnapshot { try writer.write($0) }
        let info = try writer.finish()
        let read = try GroupMachine(snapshot: try snapshots.load(info), group: group)
        guard try record(group, metadata) else { return WorldWorkResult(isDone: false) }
        return WorldWorkResult(isDone: true, machine: read)
    }

    // MARK: Chunks

    private func stage(_ batch: [(id: ChunkID, bytes: [UInt8])]) throws(StorageError) {
        guard let chunks else { return }
        for (id, bytes) in batch {
            contents[id] = bytes
            swept.remove(id)
            _ = try chunks.stage(Self.copy(id, bytes))
        }
    }

    private static func copy(_ id: ChunkID, _ bytes: [UInt8]) -> StoredChunk {
        StoredChunk(reference: ChunkReference(id: id, length: UInt32(bytes.count)), codec: .stored, payload: bytes)
    }

    private func put(_ batch: [(id: ChunkID, bytes: [UInt8])], areCopies: Bool) throws(StorageError) {
        guard let chunks else { throw .closed(path: "chunks") }
        for (id, bytes) in batch {
            contents[id] = bytes
            swept.remove(id)
        }
        if areCopies {
            try chunks.put(batch.map { Self.copy($0.id, $0.bytes) })
        } else {
            try chunks.put(batch.map(\.bytes))
        }
        for (id, _) in batch where isKnown.insert(id).inserted { acknowledged.append(id) }
    }

    package func read(_ chunk: ChunkID) -> WorldChunk {
        guard let chunks, let bytes = try? chunks.get(chunk) else { return .missing }
        return bytes == contents[chunk] ? .sound : .wrong
    }

    package func holds(_ chunks: [ChunkID]) -> [Bool]? { try? self.chunks?.has(chunks) }
    package func touch(_ chunks: [ChunkID]) { self.chunks?.touch(chunks) }

    package func idle(after: ChunkID?, limit: Int, for span: Duration) -> (ids: [ChunkID], next: ChunkID?)? {
        try? chunks?.listIdle(after: after, limit: limit, idle: span)
    }

    package func sweep(_ ids: [ChunkID], idle: Duration) -> (chunks: UInt64, bytes: UInt64)? {
        guard let chunks, let step = try? chunks.sweep(ids, idle: idle) else { return nil }
        if step.chunks > 0, let have = holds(ids) {
            let gone = Set(zip(ids, have).filter { !$0.1 }.map(\.0))
            isKnown.subtract(gone)
            swept.formUnion(gone)
            acknowledged.removeAll { gone.contains($0) }
        }
        _ = try? chunks.compact(budget: 1 << 20)
        return (UInt64(step.chunks), step.bytes)
    }

    package func decay(_ chunk: ChunkID) {
        guard let bytes = contents[chunk], !bytes.isEmpty else { return }
        let place = chance.below(bytes.count)
        let folder = Self.packs
        for name in (try? disk.names(folder)) ?? [] {
            let path = folder + "/" + name
            guard let pack = disk.content(path) else { continue }
            for start in Self.places(of: bytes, in: pack) { disk.rot(path, at: UInt64(start + place)) }
        }
    }

    private static let packs = "/node/chunks/packs"

    package func liesDurably(_ chunk: ChunkID) -> Bool {
        // A copy may be durable before whoever sent it is told so. What was swept may lie there still, and counts for nothing.
        guard !swept.contains(chunk), let bytes = contents[chunk] else { return false }
        let files = disk.durableFiles(Self.packs)
        // A pack that is gone takes its bytes with it.
        if let place = places[chunk], place.bytes.hasDurable(bytes, at: place.start), files.contains(where: { $0.bytes === place.bytes }) {
            return true
        }
        for file in files {
            guard let start = file.bytes.durablePlace(of: bytes) else { continue }
            places[chunk] = (file.bytes, start)
            return true
        }
        return false
    }

    private static func places(of bytes: [UInt8], in pack: [UInt8]) -> [Int] {
        guard pack.count >= bytes.count else { return [] }
        return (0...(pack.count - bytes.count)).filter { start in
            pack[start] == bytes[0] && pack[start..<start + bytes.count].elementsEqual(bytes)
        }
    }
}

extension WorldWork {
    /// The same piece of work, of which one process has never two.
    func isSame(as other: WorldWork) -> Bool {
        switch (self, other) {
        case (.chunks(let a, let fromA), .chunks(let b, let fromB)): fromA == fromB && a.map(\.id) == b.map(\.id)
        case (.snapshot(let a, let first, _, let isA), .snapshot(let b, let second, _, let isB)):
            a == b && isA == isB && first.index == second.index && first.term == second.term
        default: false
        }
    }
}
