import Primitives
import Storage
import Testing

@Suite struct SnapshotStoreTests {
    private let group = GroupID(5)

    private func write(_ store: SnapshotStore, index: UInt64, _ bytes: [UInt8]) throws -> SnapshotInfo {
        let writer = try store.begin(group, index: index, term: 2, meta: [1, 2, 3])
        var position = 0
        while position < bytes.count {
            let count = min(1_000, bytes.count - position)
            try writer.write(Array(bytes[position..<position + count]))
            position += count
        }
        return try writer.finish()
    }

    @Test func piecesBecomeASnapshot() throws {
        let scratch = try Scratch()
        let store = try SnapshotStore(scratch.path)
        #expect(try store.latest(group) == nil)
        let content = Sample.random(1, 4_321)
        let info = try write(store, index: 10, content)
        #expect(info.length == 4_321 && info.meta == [1, 2, 3] && info.digest == SHA256.hash(content))
        let empty = try write(store, index: 20, [])
        #expect(try store.list(group) == [info, empty])
        #expect(try store.load(info) == content)
        #expect(try store.load(empty) == [])
        #expect(try store.read(info, at: 4_000, count: 1_000) == Array(content[4_000...]))
        #expect(try store.read(info, at: 4_321, count: 1) == [])
        try store.verify(info)
        try store.deleteOlder(group, than: 20)
        #expect(try store.list(group) == [empty])
        try store.deleteAll(group)
        #expect(try store.groups() == [])
    }

    @Test func leftoversAreRemovedAndDecayIsFound() throws {
        let scratch = try Scratch()
        let store = try SnapshotStore(scratch.path)
        let info = try write(store, index: 10, Sample.random(1, 500))
        let unfinished = try store.begin(group, index: 11, term: 2)
        try unfinished.write([1])
        #expect(try scratch.names("5") == ["10-2.snap", "11-2.snap.tmp"])
        let again = try SnapshotStore(scratch.path)
        #expect(try scratch.names("5") == ["10-2.snap"])
        try scratch.flip("5/10-2.snap", at: 100)
        guard case .corrupt = storageError({ try again.verify(info) }) else { return #expect(Bool(false)) }
        guard case .corrupt = storageError({ _ = try again.load(info) }) else { return #expect(Bool(false)) }
        try scratch.flip("5/10-2.snap", at: 30)
        #expect(try again.list(group) == [], "a destroyed header is no snapshot")
        try again.deleteOlder(group, than: 100)
        #expect(try scratch.names("5") == [])
    }

    @Test func aReceivedSnapshotMustMatch() throws {
        let scratch = try Scratch()
        let store = try SnapshotStore(scratch.path)
        let writer = try store.begin(group, index: 1, term: 1)
        try writer.write([1, 2])
        #expect(writer.written == 2)
        guard case .corrupt = storageError({ _ = try writer.finish(expecting: .zero) }) else { return #expect(Bool(false)) }
        #expect(try scratch.names("5") == [])
        let dropped = try store.begin(group, index: 1, term: 1)
        dropped.abort()
        guard case .closed = storageError({ try dropped.write([1]) }) else { return #expect(Bool(false)) }
    }

    @Test func noFaultLeavesHalfASnapshot() throws {
        for call in 0..<12 {
            let scratch = try Scratch()
            let saboteur = Saboteur()
            let store = try SnapshotStore(scratch.path, system: saboteur.system)
            let old = try write(store, index: 1, [1])
            let counter = Counter()
            saboteur.set { _ in counter.next() == call ? .fail(errno: 28) : .proceed }
            let error = storageError { _ = try write(store, index: 2, Sample.random(1, 100)) }
            saboteur.set(nil)
            let again = try SnapshotStore(scratch.path)
            let listed = try again.list(group)
            #expect(listed.first == old)
            #expect(listed.count == (error == nil ? 2 : 1) || listed.count == 2, "call \(call)")
            for info in listed { try again.verify(info) }
        }
    }
}
