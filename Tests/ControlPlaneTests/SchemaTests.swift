import APISchema
import Filesystem
import NIOHTTP1
import Primitives
import Synchronization
import Testing

/// Every operation and every outcome survives the way to JSON and back.
@Suite struct SchemaTests {
    static let path = FilePath("a/b")!
    static let odd = FilePath([0x61, 0x2f, 0xff, 0xfe])!
    static let range = LockRange(start: 5, length: 7)

    static let operations: [FileOperation] = [
        .stat(path: odd, followLinks: false), .list(path: .root, cookie: .max, limit: 10), .open(path: path, mode: .read),
        .open(path: path, mode: .write),
        .open(path: path, mode: .create(mode: 0o600, exclusive: true, truncate: true)),
        .open(path: odd, mode: .replace(mode: 0o755, refuseExisting: true)),
        .read(handle: HandleID(.max), offset: 1 << 60, length: 4 << 20), .write(handle: HandleID(3), offset: 9), .sync(handle: HandleID(4)),
        .close(handle: HandleID(5), abandon: true), .makeDirectory(path: path, mode: 0o700, parents: true),
        .remove(path: path, recursive: true),
        .rename(from: path, to: odd, noReplace: true), .link(existing: path, new: odd), .symlink(target: [0xc3, 0x28], path: path),
        .readLink(path: path), .setAttributes(path: path, changes: AttributeChanges()),
        .setAttributes(
            path: path,
            changes: AttributeChanges(
                mode: 0o7777, owner: 1, group: 2, size: .max, accessed: WallTime(nanoseconds: -1), modified: WallTime(nanoseconds: 1))),
        .copy(from: path, to: odd, recursive: true), .getXattr(path: path, name: Array("user.a".utf8)),
        .setXattr(path: path, name: [0xff], value: [0, 0xff, 1]), .removeXattr(path: path, name: [0x61]), .listXattrs(path: path),
        .statistics,
        .lock(handle: HandleID(6), range: range, exclusive: false, wait: true),
        .lock(handle: HandleID(6), range: LockRange(start: 0, length: .max), exclusive: true, wait: false),
        .unlock(handle: HandleID(6), range: range), .commit(CommitOptions()),
        .commit(CommitOptions(ifUnchanged: true, message: "m\"\\\n", wait: .regions([RegionID("a"), RegionID("b")]))),
        .commit(CommitOptions(wait: .all)), .reload(.latest, discard: true), .reload(.local, discard: false),
        .reload(.maxStaleness(.milliseconds(1_500)), discard: false), .reload(.minimum(VersionID(7)), discard: false), .sessionStatus,
        .history(limit: 5), .diff(from: VersionID(1), to: VersionID(2), limit: 3), .rollback(to: VersionID(4)), .conflicts(limit: 2),
        .resolveConflict(index: 8), .flush(handle: HandleID(9)), .exchange(path, odd),
        .exchange(
            FilePath(base: InodeID(7), components: [[0x61]]), FilePath(base: InodeID(InodeID.provisionalBit | 9), components: [[0xff]])),
        .stat(path: FilePath(base: InodeID(12), components: []), followLinks: false),
        .makeNode(path: path, mode: 0o600, type: .characterDevice, device: 5 << 32 | 1),
        .zeroRange(path: odd, offset: 1, length: .max, extend: true), .make(path: path, NewObject(.file, mode: 0o640, owner: 1, group: 2)),
        .make(path: odd, NewObject(.directory, mode: 0o1777, owner: .max, group: 0, verifier: .max)),
        .make(path: path, NewObject(.symlink(target: [0xff]), mode: 0o777, owner: 5, group: 6)),
        .make(path: path, NewObject(.node(.blockDevice, device: 8 << 32 | 1), mode: 0o600, owner: 0, group: 0)),
        .seek(path: path, offset: 1 << 62, hole: true),
        .setXattr(path: path, name: [0x61], value: [], rule: .create), .setXattr(path: path, name: [0x61], value: [1], rule: .replace),
        .testLock(handle: HandleID(6), range: range, exclusive: false),
    ]

    @Test(arguments: operations) func operation(_ operation: FileOperation) throws {
        var writer = JSONWriter()
        operation.write(to: &writer)
        #expect(try FileOperation(json: JSONParser.parse(writer.bytes)) == operation)
        #expect(FileOperation.words.contains(operation.word))
    }

    @Test func everyOperationIsTried() {
        #expect(Set(Self.operations.map(\.word)) == Set(FileOperation.words))
    }

    static let attributes = FileAttributes(
        inode: InodeID(InodeID.provisionalBit | 5), type: .symlink, mode: 0o777, links: 2, owner: 3, group: 4, size: 5,
        accessed: WallTime(nanoseconds: 6), modified: WallTime(nanoseconds: .max), changed: WallTime(nanoseconds: -8), changeID: .max,
        allocated: 9, device: 10)
    static let conflict = ConflictSummary(index: 1, path: odd, reason: "r", losingVersion: VersionID(2), size: 3)
    static let id = FilesystemID(kind: .volume, high: 1, low: 2)

    static let values: [FileValue] = [
        .done, .attributes(attributes),
        .entries(
            [FileEntry(name: [0xff], attributes: attributes), FileEntry(name: [0x61], attributes: attributes, cookie: 16)], nextCookie: .max
        ),
        .entries([], nextCookie: nil), .opened(HandleID(.max), attributes), .data(length: 3, endOfFile: true), .written(length: 9),
        .position(1 << 40),
        .statistics(FilesystemStatistics(files: 1, directories: 2, bytes: 3, maximumBytes: 4)),
        .link([0xff]),
        .bytes([0x61]), .names([[0x61], [0xff]]), .statistics(FilesystemStatistics(files: 1, directories: 2, bytes: 3)),
        .receipt(
            CommitReceipt(
                version: VersionID(1), digest: SHA256.hash([1]), conflicts: [conflict], completeRegions: [RegionID("x")], changes: 4)),
        .session(
            SessionStatus(
                session: SessionID(.max), filesystem: id, version: VersionID(1), latest: VersionID(2), staged: 3, openFiles: 4,
                readOnly: true)),
        .history([
            VersionSummary(
                version: VersionID(1), time: WallTime(nanoseconds: 2), region: "r", message: "m", digest: SHA256.hash([2]), changes: 3)
        ]),
        .changes(
            [PathChange(kind: .renamed, path: odd, from: path, size: 1), PathChange(kind: .added, path: path, from: nil, size: 2)],
            truncated: true),
        .conflicts([conflict]), .lock(nil), .lock(RangeLock(range: range, exclusive: true)),
    ]

    @Test(arguments: values) func outcome(_ value: FileValue) throws {
        let outcome = FileOutcome(
            value: value, cost: OperationCost(wideAreaRoundTrips: 1, wideAreaBytes: .max, chunksFromRegion: 3, chunksFromAfar: 4))
        var writer = JSONWriter()
        outcome.write(to: &writer)
        #expect(try FileOutcome(json: JSONParser.parse(writer.bytes)) == outcome)
        #expect(OperationCost(header: outcome.cost.header) == outcome.cost)
    }

    @Test(arguments: FileFailure.Code.allCases) func failure(_ code: FileFailure.Code) throws {
        let failure = FileFailure(code, operation: "o", object: "\"x\"", cause: "c\n", hint: "h")
        var writer = JSONWriter()
        failure.write(to: &writer)
        #expect(FileFailure(json: try JSONParser.parse(writer.bytes)) == failure)
        #expect((400..<600).contains(failure.httpStatus))
        #expect(FileFailure.Code.allCases.count { $0.word == code.word } == 1)
    }

    @Test(arguments: [
        #"{}"#, #"{"op":"fly"}"#, #"{"op":1}"#, #"{"op":"stat"}"#, #"{"op":"stat","path":"../a"}"#,
        #"{"op":"stat","path":"/a","follow_links":1}"#,
        #"{"op":"list","path":"/","limit":0}"#, #"{"op":"list","path":"/","limit":10001}"#, #"{"op":"list","path":"/","cookie":5}"#,
        #"{"op":"read","handle":"1","offset":0,"length":4194305}"#, #"{"op":"read","handle":"x","offset":0,"length":1}"#,
        #"{"op":"read","handle":"1","offset":-1,"length":1}"#, #"{"op":"open","path":"/a","mode":"fly"}"#,
        #"{"op":"open","path":"/a","mode":"create","permissions":4096}"#, #"{"op":"stat","path_b64":"!"}"#, #"{"op":"commit","wait":5}"#,
        #"{"op":"commit","wait":"a,,b"}"#, #"{"op":"reload","mode":"soon"}"#, #"{"op":"lock","handle":"1","length":0}"#, #"[]"#, #"null"#,
        #"{"op":"set_attributes","path":"/a","owner":4294967296}"#,
    ]) func refused(_ text: String) throws {
        let json = try JSONParser.parse(Array(text.utf8))
        #expect(throws: FileFailure.self) { try FileOperation(json: json) }
    }
}
