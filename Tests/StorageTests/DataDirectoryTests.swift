import Primitives
import Storage
import Synchronization
import Testing

final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.add(1, ordering: .relaxed).oldValue }
}

@Suite struct DataDirectoryTests {
    @Test func aDirectoryHasOneOwner() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/a/b"
        let directory = try DataDirectory(path, identity: Sample.identity)
        #expect(directory.log == path + "/log")
        #expect(try DataDirectory.readIdentity(path) == Sample.identity)
        #expect(storageError { _ = try DataDirectory(path, identity: Sample.identity) } == .locked(path: path))
        directory.close()
        let other = StorageIdentity(cluster: Sample.identity.cluster, node: NodeID(4))
        let refused = storageError { _ = try DataDirectory(path, identity: other) }
        #expect(refused == .foreign(path: path, expected: other.description, found: Sample.identity.description))
        try DataDirectory(path, identity: Sample.identity).close()
    }

    @Test func whatIsNotOursIsRefused() throws {
        let scratch = try Scratch()
        try DataDirectory(scratch.path, identity: Sample.identity).close()
        let text = String(decoding: try scratch.bytes("atoll.json"), as: UTF8.self)
        #expect(text.contains("\"cluster\": \"00000000000000010000000000000002\""))
        try scratch.write(Array(text.replacing("\"format\": 1", with: "\"format\": 2").utf8), to: "atoll.json")
        #expect(
            storageError { _ = try DataDirectory(scratch.path, identity: Sample.identity) }
                == .newerFormat(path: scratch.path, found: 2, supported: 1))
        for damage in ["", "{", "{}", "{\"format\": 1}", "{\"format\": 1, \"cluster\": \"xyz\", \"node\": 3}", text + "x"] {
            try scratch.write(Array(damage.utf8), to: "atoll.json")
            guard case .corrupt = storageError({ _ = try DataDirectory(scratch.path, identity: Sample.identity) }) else {
                return #expect(Bool(false), "\(damage)")
            }
        }
        try scratch.remove("atoll.json")
        _ = try SnapshotStore(scratch.path + "/snapshots")
        guard case .corrupt = storageError({ _ = try DataDirectory(scratch.path, identity: Sample.identity) }) else {
            return #expect(Bool(false))
        }
    }

    @Test func errorsSayWhatToDo() {
        let errors: [StorageError] = [
            .noSpace(operation: "put", path: "/d"), .io(operation: "read", path: "/d", errno: 5),
            .corrupt(path: "/d", offset: 7, what: "w"),
            .locked(path: "/d"), .newerFormat(path: "/d", found: 2, supported: 1), .foreign(path: "/d", expected: "a", found: "b"),
        ]
        for error in errors {
            #expect(error.description.contains("/d") && !error.description.contains("\n"))
            #expect(error.description.contains { $0 == ";" || $0 == "," })
        }
        #expect(ClusterID("zz") == nil && ClusterID(ClusterID(high: 9, low: .max).description) == ClusterID(high: 9, low: .max))
    }
}
