import Filesystem
import Namespace
import Primitives
import Replication
import Testing

@testable import NodeCore

/// What mounts need of the seam: objects by number, numbers that last, snapshots of open files, locks that can be asked about.
@Suite struct MountSeamTests {
    private let cluster: TestCluster

    init() throws {
        cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: 12)
        try #require(cluster.settle())
    }

    /// One client on one node.
    private struct Client {
        let cluster: TestCluster
        let session: SessionID
        let node: Int

        @discardableResult
        func ask(_ operation: FileOperation, _ bytes: [UInt8]? = nil) throws -> FileValue {
            try cluster.perform(operation, session, on: node, bytes: bytes).outcome.value
        }

        func attributes(_ path: FilePath) throws -> FileAttributes {
            guard case .attributes(let found) = try ask(.stat(path: path, followLinks: false)) else { throw Wrong() }
            return found
        }

        func open(_ path: FilePath, _ mode: OpenMode) throws -> (HandleID, FileAttributes) {
            guard case .opened(let handle, let attributes) = try ask(.open(path: path, mode: mode)) else { throw Wrong() }
            return (handle, attributes)
        }

        func write(_ path: FilePath, _ text: String) throws {
            let handle = try open(path, .create(mode: 0o644, exclusive: false, truncate: true)).0
            try ask(.write(handle: handle, offset: 0), Array(text.utf8))
            try ask(.close(handle: handle, abandon: false))
        }

        func read(_ handle: HandleID) throws -> String {
            let operation = FileOperation.read(handle: handle, offset: 0, length: 100)
            return String(decoding: try cluster.perform(operation, session, on: node).data ?? [], as: UTF8.self)
        }

        func text(_ path: FilePath) throws -> String {
            let handle = try open(path, .read).0
            defer { _ = try? ask(.close(handle: handle, abandon: false)) }
            return try read(handle)
        }

        func commit() throws { try ask(.commit(CommitOptions())) }

        func code(_ operation: FileOperation) -> FileFailure.Code? {
            do {
                try ask(operation)
                return nil
            } catch { return (error as? FileFailure)?.code }
        }
    }

    private struct Wrong: Error {}

    private func client(_ filesystem: FilesystemID, on node: Int = 0, keepsNumbers: Bool = true) throws -> Client {
        var options = SessionOptions()
        options.keepsNumbers = keepsNumbers
        return Client(cluster: cluster, session: try cluster.open(filesystem, on: node, options: options), node: node)
    }

    private func object(_ number: InodeID) -> FilePath { FilePath(base: number, components: []) }
    private func name(_ text: String, in number: InodeID) -> FilePath { FilePath(base: number, components: [Array(text.utf8)]) }

    @Test(arguments: [FilesystemKind.nfs, .volume]) func objectsByNumber(kind: FilesystemKind) throws {
        let client = try client(try cluster.create(kind, "f", region: "us", on: 0))
        try client.ask(.makeDirectory(path: FilePath("a")!, mode: 0o755, parents: false))
        let directory = try client.attributes(FilePath("a")!).inode
        try client.write(name("x", in: directory), "one")
        let file = try client.attributes(FilePath("a/x")!)
        #expect(try client.attributes(name("x", in: directory)).inode == file.inode && client.attributes(object(file.inode)).size == 3)
        // Whatever becomes of its names.
        try client.ask(.rename(from: FilePath("a/x")!, to: FilePath("y")!, noReplace: false))
        #expect(try client.text(object(file.inode)) == "one")
        try client.ask(.link(existing: object(file.inode), new: name("z", in: directory)))
        #expect(try client.attributes(object(file.inode)).links == 2)
        try client.ask(.makeNode(path: name("p", in: directory), mode: 0o600, type: .characterDevice, device: 5 << 32 | 3))
        #expect(try client.attributes(FilePath("a/p")!).device == 5 << 32 | 3)
        try client.ask(.exchange(FilePath("y")!, name("p", in: directory)))
        #expect(try client.attributes(FilePath("y")!).type == .characterDevice && client.text(FilePath("a/p")!) == "one")
        try client.ask(.zeroRange(path: object(file.inode), offset: 1, length: 1, extend: false))
        #expect(try client.text(object(file.inode)) == "o\0e")
        guard case .entries(let entries, _) = try client.ask(.list(path: object(directory), cookie: 0, limit: 10)) else { throw Wrong() }
        #expect(Set(entries.map(\.name)) == [Array("p".utf8), Array("z".utf8)] && entries.allSatisfy { $0.cookie >= 16 })
        guard case .entries(let rest, _) = try client.ask(.list(path: object(directory), cookie: entries[0].cookie, limit: 10)) else {
            throw Wrong()
        }
        #expect(rest.map(\.name) == [entries[1].name])
        #expect(client.code(.stat(path: object(InodeID(99_999)), followLinks: false)) == .stale)
        #expect(client.code(.copy(from: object(file.inode), to: FilePath("c")!, recursive: false)) == .notSupported)
    }

    /// What one handle has written, others read after a flush; of a volume it is no sync.
    @Test(arguments: [FilesystemKind.nfs, .volume]) func flushing(kind: FilesystemKind) throws {
        let client = try client(try cluster.create(kind, "f", region: "us", on: 0))
        let (writer, attributes) = try client.open(FilePath("x")!, .create(mode: 0o644, exclusive: true, truncate: false))
        let reader = try client.open(object(attributes.inode), .read).0
        try client.ask(.write(handle: writer, offset: 0), Array("text".utf8))
        try client.ask(.flush(handle: writer))
        #expect(try client.read(reader) == "text")
        #expect(client.cluster.hosts[0].state.sessions[client.session]?.volume?.unfinished.isEmpty != true)
    }

    /// Owner, mode and what is made in one step; asked for again with the same number it is made once.
    @Test(arguments: [FilesystemKind.nfs, .volume]) func makingInOneStep(kind: FilesystemKind) throws {
        let client = try client(try cluster.create(kind, "f", region: "us", on: 0))
        func make(_ text: String, _ form: NewObject.Form, _ mode: UInt32, _ owner: UInt32, _ verifier: UInt64 = 0) -> FileOperation {
            .make(path: FilePath(text)!, NewObject(form, mode: mode, owner: owner, group: owner + 1, verifier: verifier))
        }
        for _ in 0..<2 {
            guard case .opened(let handle, let made) = try client.ask(make("x", .file, 0o640, 7, 99)) else { throw Wrong() }
            #expect(made.owner == 7 && made.group == 8 && made.mode == 0o640 && made.type == .file)
            try client.ask(.write(handle: handle, offset: 0), Array("text".utf8))
            try client.ask(.close(handle: handle, abandon: false))
            #expect(try client.text(FilePath("x")!) == "text")
            guard case .attributes(let directory) = try client.ask(make("d", .directory, 0o2750, 3, 5)) else { throw Wrong() }
            #expect(directory.owner == 3 && directory.mode == 0o2750 && directory.type == .directory)
        }
        #expect(client.code(make("x", .file, 0o640, 7, 98)) == .exists && client.code(make("x", .file, 0o640, 7)) == .exists)
        #expect(client.code(make("d", .directory, 0o750, 3, 6)) == .exists && client.code(make("d", .directory, 0o750, 3)) == .exists)
        guard case .attributes(let link) = try client.ask(make("l", .symlink(target: [0x61]), 0o777, 9)) else { throw Wrong() }
        #expect(link.owner == 9 && link.type == .symlink)
        // In a directory with the set-group-id bit the group is the directory's.
        guard case .attributes(let pipe) = try client.ask(make("d/p", .node(.fifo, device: 0), 0o600, 11)) else { throw Wrong() }
        #expect(pipe.owner == 11 && pipe.group == 4 && pipe.type == .fifo)
        try client.ask(.setXattr(path: FilePath("x")!, name: [1], value: [2], rule: .create))
        #expect(client.code(.setXattr(path: FilePath("x")!, name: [1], value: [3], rule: .create)) == .exists)
        #expect(client.code(.setXattr(path: FilePath("x")!, name: [4], value: [3], rule: .replace)) == .noData)
    }

    /// Data and holes, of files that are kept in the namespace and of those that are kept in chunks.
    @Test(arguments: [FilesystemKind.nfs, .volume]) func dataAndHoles(kind: FilesystemKind) throws {
        let client = try client(try cluster.create(kind, "f", region: "us", on: 0))
        let (handle, _) = try client.open(FilePath("x")!, .create(mode: 0o644, exclusive: true, truncate: false))
        try client.ask(.write(handle: handle, offset: 0), [UInt8](repeating: 7, count: (1 << 20) + 300_000))
        try client.ask(.flush(handle: handle))
        try client.ask(.zeroRange(path: FilePath("x")!, offset: 0, length: 1 << 20, extend: false))
        try client.ask(.setAttributes(path: FilePath("x")!, changes: AttributeChanges(size: 2 << 20)))
        func seek(_ offset: UInt64, hole: Bool) throws -> FileValue {
            try client.ask(.seek(path: FilePath("x")!, offset: offset, hole: hole))
        }
        #expect(try seek(0, hole: false) == .position(1 << 20))
        #expect(try seek(5, hole: true) == .position(5))
        #expect(try seek(1_100_000, hole: false) == .position(1_100_000) && seek(1_100_000, hole: true) == .position((1 << 20) + 300_000))
        #expect(client.code(.seek(path: FilePath("x")!, offset: 2_000_000, hole: false)) == .noSuchPlace)
        #expect(client.code(.seek(path: FilePath("x")!, offset: 2 << 20, hole: true)) == .noSuchPlace)
        try client.write(FilePath("small")!, "text")
        #expect(try client.ask(.seek(path: FilePath("small")!, offset: 1, hole: false)) == .position(1))
        #expect(try client.ask(.seek(path: FilePath("small")!, offset: 1, hole: true)) == .position(4))
    }

    /// A session that takes another's place: its locks are free for it at once, and those of nobody else.
    @Test func aSuccessorHasTheLocks() throws {
        let id = try cluster.create(.nfs, "f", region: "us", on: 0)
        let one = try client(id)
        try one.write(FilePath("x")!, "")
        let lock = { (handle: HandleID) in
            FileOperation.lock(handle: handle, range: LockRange(start: 0, length: .max), exclusive: true, wait: false)
        }
        try one.ask(lock(try one.open(FilePath("x")!, .read).0))
        let stranger = try client(id, on: 1)
        #expect(stranger.code(lock(try stranger.open(FilePath("x")!, .read).0)) == .wouldBlock)
        var options = SessionOptions()
        options.succeeds = SessionPredecessor(node: cluster.hosts[0].state.settings.id, session: one.session)
        let next = Client(cluster: cluster, session: try cluster.open(id, on: 1, options: options), node: 1)
        try next.ask(lock(try next.open(FilePath("x")!, .read).0))
        #expect(stranger.code(lock(try stranger.open(FilePath("x")!, .read).0)) == .wouldBlock)
    }

    /// A session that begins on a version that is not the newest reads that one, and its changes meet what came since.
    @Test func aSessionBeginsOnAVersion() throws {
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        let first = try client(id)
        try first.write(FilePath("x")!, "one")
        try first.commit()
        try first.write(FilePath("y")!, "two")
        try first.commit()
        var options = SessionOptions()
        options.startsAt = VersionID(1)
        let late = Client(cluster: cluster, session: try cluster.open(id, on: 0, options: options), node: 0)
        #expect(try late.text(FilePath("x")!) == "one" && late.code(.stat(path: FilePath("y")!, followLinks: false)) == .notFound)
        try late.write(FilePath("z")!, "three")
        try late.commit()
        #expect(try late.text(FilePath("y")!) == "two" && late.text(FilePath("z")!) == "three")
        options.startsAt = VersionID(99)
        #expect(throws: FileFailure.self) { try cluster.open(id, on: 0, options: options) }
    }

    /// What a commit leaves out stays staged: files that are open for writing and were not synced.
    @Test func aCommitLeavesOutOpenFiles() throws {
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        let (client, other) = (try client(id), try client(id))
        let (handle, _) = try client.open(FilePath("open")!, .create(mode: 0o644, exclusive: true, truncate: false))
        try client.ask(.write(handle: handle, offset: 0), [1])
        try client.write(FilePath("closed")!, "x")
        var options = CommitOptions()
        options.leavesOutOpenFiles = true
        try client.ask(.commit(options))
        try other.ask(.reload(.latest, discard: false))
        #expect(try other.text(FilePath("closed")!) == "x" && other.code(.stat(path: FilePath("open")!, followLinks: false)) == .notFound)
        try client.ask(.flush(handle: handle))
        try client.commit()
        try other.ask(.reload(.latest, discard: false))
        #expect(try other.attributes(FilePath("open")!).size == 1)
    }

    @Test func locksCanBeAskedAbout() throws {
        let id = try cluster.create(.nfs, "f", region: "us", on: 0)
        let (one, other) = (try client(id), try client(id, on: 1))
        try one.write(FilePath("x")!, "")
        let (mine, its) = (try one.open(FilePath("x")!, .read).0, try other.open(FilePath("x")!, .read).0)
        let (range, all) = (LockRange(start: 5, length: 10), LockRange(start: 0, length: .max))
        try one.ask(.lock(handle: mine, range: range, exclusive: true, wait: false))
        #expect(try other.ask(.testLock(handle: its, range: all, exclusive: false)) == .lock(RangeLock(range: range, exclusive: true)))
        #expect(try other.ask(.testLock(handle: its, range: LockRange(start: 15, length: 1), exclusive: true)) == .lock(nil))
        #expect(try one.ask(.testLock(handle: mine, range: all, exclusive: true)) == .lock(nil))
    }

    /// A commit gives objects other numbers, and the session goes on with the first ones; others see the volume's.
    @Test func numbersLastAsLongAsTheSession() throws {
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        let client = try client(id)
        var first: [InodeID] = []
        for round in 0..<3 {
            try client.ask(.makeDirectory(path: FilePath("d\(round)")!, mode: 0o755, parents: false))
            first.append(try client.attributes(FilePath("d\(round)")!).inode)
            try client.commit()
            try client.write(name("x", in: first[round]), "\(round)")
            for (past, number) in first.enumerated() {
                #expect(try client.attributes(FilePath("d\(past)")!).inode == number)
                #expect(try client.text(name("x", in: number)) == "\(past)")
            }
        }
        #expect(Set(first).count == 3)
        try client.commit()
        let plain = try self.client(id, keepsNumbers: false)
        for round in 0..<3 { #expect(try !plain.attributes(FilePath("d\(round)")!).inode.isProvisional) }
    }

    /// A reader keeps its snapshot where others have changed the file, under the number that it knows; the file as it is
    /// now has another. Where nothing but commits of its own has happened it sees what the session writes.
    @Test func readersKeepTheirSnapshot() throws {
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        let (client, other) = (try client(id), try client(id, keepsNumbers: false))
        try client.write(FilePath("x")!, "one")
        let number = try client.attributes(FilePath("x")!).inode
        let reader = try client.open(object(number), .read).0
        try client.commit()
        try client.write(FilePath("x")!, "one and a half")
        #expect(try client.read(reader) == "one and a half" && client.attributes(FilePath("x")!).inode == number)
        try client.commit()

        try other.ask(.reload(.latest, discard: false))
        try other.write(FilePath("x")!, "two")
        try other.commit()
        #expect(try client.read(reader) == "one and a half")
        try client.ask(.reload(.latest, discard: false))
        #expect(try client.read(reader) == "one and a half" && client.attributes(object(number)).size == 14)
        let now = try client.attributes(FilePath("x")!)
        #expect(try now.inode != number && now.size == 3 && client.text(object(now.inode)) == "two")
        #expect(client.code(.open(path: object(number), mode: .read)) == .stale)
        #expect(client.code(.setAttributes(path: object(number), changes: AttributeChanges(mode: 0o600))) == .stale)
        try client.ask(.close(handle: reader, abandon: false))
        #expect(cluster.hosts[0].state.sessions[client.session]?.volume?.retired.isEmpty == true)
        #expect(try client.attributes(FilePath("x")!).inode == now.inode)
    }

    /// The table of numbers is bounded: the oldest are known by the volume's numbers only.
    @Test func numbersInUseStay() {
        var numbers = SessionNumbers()
        func number(_ index: UInt64) -> InodeID { InodeID(InodeID.provisionalBit | index) }
        for index in 0..<UInt64(3 * SessionNumbers.capacity) {
            numbers.rename([.init(provisional: number(index), real: InodeID(1_000 + index))])
            if index % 1_000 == 0 { numbers.touch(number(0)) }
        }
        #expect(numbers.now(number(0)) == InodeID(1_000) && numbers.now(number(1)) == number(1))
    }

    @Test func numbersAreBounded() {
        var numbers = SessionNumbers()
        let count = SessionNumbers.capacity + 10
        for index in 0..<UInt64(count) {
            numbers.rename([.init(provisional: InodeID(InodeID.provisionalBit | index), real: InodeID(1_000 + index))])
        }
        #expect(
            numbers.now(InodeID(InodeID.provisionalBit)) == InodeID(InodeID.provisionalBit)
                && numbers.first(InodeID(1_000)) == InodeID(1_000))
        let last = UInt64(count - 1)
        #expect(numbers.now(InodeID(InodeID.provisionalBit | last)) == InodeID(1_000 + last))
        #expect(numbers.first(InodeID(1_000 + last)) == InodeID(InodeID.provisionalBit | last))
        // A chain of commits is one step.
        numbers.rename([.init(provisional: InodeID(1_000 + last), real: InodeID(7))])
        #expect(numbers.now(InodeID(InodeID.provisionalBit | last)) == InodeID(7))
    }
}
