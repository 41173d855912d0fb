import Filesystem
import Namespace
import Primitives
import Replication
import Testing

@testable import Consensus
@testable import NodeCore

/// What nodes say to each other and keep: read as it was written, and harmless when damaged.
@Suite struct WireTests {
    private static let stamp = ClientStamp(client: ClientID(high: 1, low: 2), sequence: 9, acknowledged: 3, opened: 4)
    private static let filesystem = FilesystemID(kind: .nfs, high: 5, low: 6)
    private static let failure = FileFailure(.conflict, operation: "commit", object: "/a", cause: "é", hint: "look")
    private static let owner = LockOwner(node: NodeID(3), session: SessionID(4), owner: 5)

    private static var compound: Compound {
        Compound(
            filesystem: filesystem, session: SessionID(7), userID: 1, groupID: 2,
            requests: [
                .lookup(directory: .root, name: [97, 98]),
                .write(StageKey(session: SessionID(7), handle: HandleID(8)), offset: 3, length: 4, overwrites: true),
                .setAttributes(InodeID(9), AttributeChanges(mode: 0o600, size: 10)), .endSession,
            ])
    }

    static var messages: [Message] {
        let batch = RaftBatch(items: [
            RaftBatch.Item(group: GroupID(9), message: .wake(term: 4)),
            RaftBatch.Item(
                group: GroupID(1),
                message: .append(
                    RaftMessage.Append(
                        term: 2, previousIndex: 6, previousTerm: 1, commit: 5, stamp: 300, lease: 600,
                        entries: [RaftEntry(index: 7, term: 2, kind: .command, payload: [1, 2, 3])]))),
        ])
        return [
            .raft(batch), .call(CallID(1), .compound(compound, nil)), .call(CallID(2), .compound(compound, stamp)),
            .call(CallID(3), .propose(GroupID(4), envelope: [1, 2, 3, 4, 5])), .call(CallID(4), .awaitApplied(GroupID(5), index: 6)),
            .call(CallID(5), .renew([SessionLease(group: GroupID(1), sessions: [SessionID(2), SessionID(3)])])),
            .answer(CallID(6), .compound([.done, .data(length: 4, endOfFile: true), .failed(failure)])),
            .answer(CallID(7), .applied(index: 8, result: [9, 10])), .answer(CallID(8), .done), .answer(CallID(9), .notLeader(NodeID(1))),
            .answer(CallID(10), .notLeader(nil)), .answer(CallID(11), .failed(failure)),
            .answer(CallID(12), .lacking([SHA256.hash([1]), SHA256.hash([2])])),
        ]
    }

    static var commands: [FilesCommand] {
        let put = NamespaceOperation.putting(FilePath("a/b")!, .inline([1, 2, 3]), mode: 0o644, refuseExisting: true)
        let context = CommandContext(time: WallTime(nanoseconds: 5))
        let bodies: [FilesCommand.Body] = [
            .namespace(NamespaceCommand(put, context: context)),
            .namespace(NamespaceCommand(.batch([.unlink(parent: .root, name: [97]), put]), context: context)),
            .lock(InodeID(2), LockRange(start: 1, length: .max), exclusive: true, owner),
            .unlock(InodeID(2), LockRange(start: 1, length: 2), owner),
            .endSession(NodeID(1), SessionID(2)),
        ]
        return bodies.flatMap {
            [
                FilesCommand(stamp: nil, at: WallTime(nanoseconds: -1), body: $0),
                FilesCommand(stamp: stamp, at: WallTime(nanoseconds: 7), body: $0),
            ]
        }
    }

    static var results: [FilesResult] {
        let time = WallTime(nanoseconds: 1)
        let attributes = FileAttributes(
            inode: InodeID(2), type: .file, mode: 0o644, links: 1, owner: 0, group: 0, size: 3, accessed: time, modified: time,
            changed: time, changeID: 4)
        return [.done, .attributes(attributes), FilesResult(committed()), .failed(failure)]
    }

    private static func committed() -> NamespaceResult {
        var state = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
        var staged = state.session()
        let context = CommandContext(time: WallTime(nanoseconds: 1))
        _ = staged.apply(.putting(FilePath("a")!, .inline([1]), mode: 0o644, refuseExisting: false), context: context)
        let changes = VolumeChanges.between(base: state.tree, staged: staged.tree, version: state.version)
        return state.apply(.commitChanges(changes, CommitInfo(author: "us", message: "m")), context: context)
    }

    @Test func whatIsWrittenIsRead() throws {
        for message in Self.messages {
            let again = try Message(xdr: message.xdrBytes)
            #expect("\(again)" == "\(message)")
            #expect(again.xdrBytes == message.xdrBytes)
        }
        for command in Self.commands { #expect(try FilesCommand(xdr: command.xdrBytes) == command) }
        for result in Self.results { #expect(try FilesResult(xdr: result.xdrBytes) == result) }
    }

    private func damage(_ bytes: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        if chance.below(4) == 0 { bytes.removeLast(chance.below(bytes.count)) }
        for _ in 0..<(1 + chance.below(3)) where !bytes.isEmpty {
            bytes[chance.below(bytes.count)] = UInt8(truncatingIfNeeded: chance.next() >> UInt64(chance.below(8)))
        }
        return bytes
    }

    /// Refused, or read as something that is written the same way again.
    @Test func damagedBytesAreHarmless() throws {
        var chance = SeededGenerator(seed: 41)
        var refused = 0
        for round in 0..<4_000 {
            do throws(XDRError) {
                switch round % 3 {
                case 0:
                    let value = try Message(xdr: damage(Self.messages[chance.below(Self.messages.count)].xdrBytes, &chance))
                    #expect(throws: Never.self) { try Message(xdr: value.xdrBytes) }
                case 1:
                    let value = try FilesCommand(xdr: damage(Self.commands[chance.below(Self.commands.count)].xdrBytes, &chance))
                    #expect(try! FilesCommand(xdr: value.xdrBytes) == value)
                default:
                    let value = try FilesResult(xdr: damage(Self.results[chance.below(Self.results.count)].xdrBytes, &chance))
                    #expect(try! FilesResult(xdr: value.xdrBytes) == value)
                }
            } catch { refused += 1 }
        }
        #expect(refused > 800)
    }

    // MARK: A file system as a machine

    private func record() -> FilesystemRecord? {
        let cluster = TestCluster([.init(name: "us", nodes: 1)], roundTrip: { _, _ in 1 }, seed: 3)
        guard cluster.settle(), let id = try? cluster.create(.nfs, "n", region: "us", on: 0) else { return nil }
        return cluster.hosts[0].state.catalog.filesystems[id]
    }

    private func machine() throws -> GroupMachine {
        var machine = GroupMachine(files: try #require(record()))
        var adopted: [ChunkReference] = []
        var index: UInt64 = 0
        let context = CommandContext(time: WallTime(nanoseconds: 5))
        for number in 1...40 {
            index += 1
            let put = NamespaceOperation.putting(
                FilePath("d/f\(number)")!, .inline([UInt8](repeating: 7, count: number)), mode: 0o644, refuseExisting: false)
            let stamp = ClientStamp(client: ClientID(high: 1, low: 1), sequence: UInt64(number), acknowledged: 0, opened: 0)
            _ = machine.apply(
                FilesCommand(stamp: stamp, at: context.time, body: .namespace(NamespaceCommand(put, context: context))).xdrBytes,
                index: index, adopting: &adopted)
        }
        let inode = try #require(try machine.files?.namespace.tree.walk(FilePath("d/f3")!, followLast: true).inode)
        for start in [0, 10, 20] {
            index += 1
            let lock = FilesCommand.Body.lock(inode, LockRange(start: UInt64(start), length: 5), exclusive: true, Self.owner)
            _ = machine.apply(FilesCommand(stamp: nil, at: context.time, body: lock).xdrBytes, index: index, adopting: &adopted)
        }
        return machine
    }

    private func snapshot(_ machine: GroupMachine) -> [UInt8] {
        var bytes: [UInt8] = []
        machine.encodeSnapshot { piece in bytes += piece }
        return bytes
    }

    @Test func aSnapshotIsTakenUpAsItWas() throws {
        let machine = try machine()
        let bytes = snapshot(machine)
        let again = try GroupMachine(snapshot: bytes, group: GroupID(3))
        #expect(again.digest == machine.digest)
        #expect(again.files?.locks == machine.files?.locks)
        #expect(again.files?.locks.count == 3)
        #expect(again.files?.clients == machine.files?.clients)
        #expect(snapshot(again) == bytes)
        let catalog = GroupMachine()
        #expect(try GroupMachine(snapshot: snapshot(catalog), group: .catalog).digest == catalog.digest)
    }

    @Test func aDamagedSnapshotIsRefusedOrRead() throws {
        let bytes = snapshot(try machine())
        var chance = SeededGenerator(seed: 43)
        var refused = 0
        for _ in 0..<400 {
            do { _ = try GroupMachine(snapshot: damage(bytes, &chance), group: GroupID(3)) } catch { refused += 1 }
        }
        #expect(refused > 100)
        for length in 0..<64 {
            #expect(throws: MachineSnapshotError.self) { try GroupMachine(snapshot: Array(bytes.prefix(length)), group: GroupID(3)) }
        }
    }

    /// A proposal that comes out of the log twice, as after a change of leader, changes once and is
    /// answered the same both times.
    @Test func aRepeatedProposalIsAppliedOnce() throws {
        var machine = try machine()
        var adopted: [ChunkReference] = []
        let context = CommandContext(time: WallTime(nanoseconds: 9))
        let stamp = ClientStamp(client: ClientID(high: 2, low: 2), sequence: 1, acknowledged: 0, opened: 50)
        let make = NamespaceOperation.makeDirectory(parent: .root, name: Array("once".utf8), mode: 0o755)
        let command = FilesCommand(stamp: stamp, at: context.time, body: .namespace(NamespaceCommand(make, context: context))).xdrBytes
        let first = machine.apply(command, index: 60, adopting: &adopted)
        let digest = machine.digest
        let second = machine.apply(command, index: 61, adopting: &adopted)
        #expect(first == second)
        #expect(machine.digest == digest)
        guard case .attributes = try FilesResult(xdr: first) else {
            Issue.record("not made: \(try FilesResult(xdr: first))")
            return
        }
        let unstamped = FilesCommand(stamp: nil, at: context.time, body: .namespace(NamespaceCommand(make, context: context))).xdrBytes
        guard case .failed(let failure) = try FilesResult(xdr: machine.apply(unstamped, index: 62, adopting: &adopted)) else { return }
        #expect(failure.code == .exists)
    }

    /// Bytes in the log that this version cannot read change nothing and are answered.
    @Test func anUnknownCommandIsAnswered() throws {
        var machine = try machine()
        var adopted: [ChunkReference] = []
        let digest = machine.digest
        guard case .failed(let failure) = try FilesResult(xdr: machine.apply([0, 0, 0, 99], index: 70, adopting: &adopted)) else {
            Issue.record("it was carried out")
            return
        }
        #expect(failure.code == .notSupported)
        #expect(machine.digest == digest)
    }
}
