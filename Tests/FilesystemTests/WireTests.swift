import Filesystem
import Primitives
import Testing

/// Values of every wire form of this target, drawn from a seed.
struct WireSamples {
    var chance: SeededGenerator

    mutating func number() -> UInt64 { chance.next() >> UInt64(chance.below(64)) }
    mutating func small() -> UInt32 { UInt32(truncatingIfNeeded: number()) }
    mutating func flag() -> Bool { chance.below(2) == 0 }
    mutating func inode() -> InodeID { InodeID(number()) }
    mutating func name() -> [UInt8] { (0..<chance.below(20)).map { _ in UInt8(truncatingIfNeeded: chance.next()) } }
    mutating func text() -> String { String(repeating: "é", count: chance.below(9)) + "x" }
    mutating func path() -> FilePath {
        FilePath(components: (0..<chance.below(5)).map { _ in Array("p\(chance.below(1_000))".utf8) })
    }
    mutating func time() -> WallTime { WallTime(nanoseconds: Int64(bitPattern: chance.next())) }
    mutating func range() -> LockRange { LockRange(start: number(), length: number()) }
    mutating func stage() -> StageKey { StageKey(session: SessionID(number()), handle: HandleID(number())) }
    mutating func owner() -> LockOwner { LockOwner(node: NodeID(number()), session: SessionID(number()), owner: number()) }

    mutating func changes() -> AttributeChanges {
        AttributeChanges(
            mode: flag() ? small() : nil, owner: flag() ? small() : nil, group: flag() ? small() : nil, size: flag() ? number() : nil,
            accessed: flag() ? time() : nil, modified: flag() ? time() : nil)
    }

    mutating func attributes() -> FileAttributes {
        FileAttributes(
            inode: inode(), type: FileType(rawValue: UInt32(1 + chance.below(7)))!, mode: small(), links: small(), owner: small(),
            group: small(),
            size: number(), accessed: time(), modified: time(), changed: time(), changeID: number())
    }

    mutating func failure() -> FileFailure {
        FileFailure(
            FileFailure.Code.allCases[chance.below(FileFailure.Code.allCases.count)], operation: text(), object: text(), cause: text(),
            hint: flag() ? "" : text())
    }

    mutating func object() -> NewObject {
        let forms: [NewObject.Form] = [.file, .directory, .symlink(target: name()), .node(.fifo, device: number())]
        return NewObject(forms[chance.below(4)], mode: small(), owner: small(), group: small(), verifier: number())
    }

    static let requestKinds = 45
    mutating func request(_ kind: Int) -> FileRequest {
        switch kind {
        case 0: .lookup(directory: inode(), name: name())
        case 1: .getAttributes(inode())
        case 2: .readDirectory(inode(), cookie: number(), limit: small())
        case 3: .open(inode(), write: flag())
        case 4: .openName(directory: inode(), name: name(), write: flag())
        case 5: .create(directory: inode(), name: name(), mode: small(), exclusive: flag(), truncate: flag())
        case 6: .read(inode(), offset: number(), length: small())
        case 7: .write(stage(), offset: number(), length: small(), overwrites: flag())
        case 8: .commit(inode(), stage: stage(), writes: number())
        case 9: .replace(directory: inode(), path: path(), mode: small(), refuseExisting: flag(), stage: stage(), writes: number())
        case 10: .dropStage(stage())
        case 11: .close(inode())
        case 12: .makeDirectory(directory: inode(), name: name(), mode: small())
        case 13: .makePath(path(), mode: small())
        case 14: .remove(directory: inode(), name: name(), recursive: flag())
        case 15: .rename(fromDirectory: inode(), fromName: name(), toDirectory: inode(), toName: name(), noReplace: flag())
        case 16: .link(inode(), directory: inode(), name: name())
        case 17: .symlink(target: name(), directory: inode(), name: name())
        case 18: .readLink(inode())
        case 19: .setAttributes(inode(), changes())
        case 20: .copy(from: path(), to: path(), recursive: flag())
        case 21: .getXattr(inode(), name: name())
        case 22: .setXattr(inode(), name: name(), value: name())
        case 23: .removeXattr(inode(), name: name())
        case 24: .listXattrs(inode())
        case 25: .statistics
        case 26: .lock(inode(), range: range(), exclusive: flag(), owner: number())
        case 27: .unlock(inode(), range: range(), owner: number())
        case 28: .makeNode(directory: inode(), name: name(), mode: small(), type: .blockDevice, device: number())
        case 29: .exchange(directory: inode(), name: name(), otherDirectory: inode(), otherName: name())
        case 30: .zeroRange(inode(), offset: number(), length: number(), extend: flag())
        case 31: .testLock(inode(), range: range(), exclusive: flag(), owner: number())
        case 32: .openName(directory: inode(), name: name(), write: flag())
        case 33: .make(directory: inode(), name: name(), object())
        case 34: .seek(inode(), offset: number(), hole: flag())
        case 35: .setXattr(inode(), name: name(), value: name(), rule: flag() ? .create : .replace)
        case 36...43: .client(client(kind - 36))
        default: .endSession
        }
    }

    mutating func compound() -> Compound {
        Compound(
            filesystem: FilesystemID(kind: flag() ? .nfs : .volume, high: number(), low: number()), session: SessionID(number()),
            userID: small(),
            groupID: small(), requests: (0..<chance.below(4)).map { _ in request(chance.below(Self.requestKinds)) })
    }

    static let resultKinds = 16
    mutating func result(_ kind: Int) -> FileResult {
        switch kind {
        case 0: .done
        case 1: .attributes(attributes())
        case 2: .entries((0..<chance.below(4)).map { _ in FileEntry(name: name(), attributes: attributes()) }, nextCookie: nil)
        case 3: .entries([FileEntry(name: name(), attributes: attributes())], nextCookie: number())
        case 4: .data(length: small(), endOfFile: flag())
        case 5: .bytes(name())
        case 6: .names((0..<chance.below(5)).map { _ in name() })
        case 8: .lock(RangeLock(range: range(), exclusive: flag()))
        case 9: .lock(nil)
        case 7: .statistics(FilesystemStatistics(files: number(), directories: number(), bytes: number()))
        case 10: .position(number())
        case 11: .statistics(FilesystemStatistics(files: 1, directories: 2, bytes: 3, maximumBytes: number()))
        case 12: .client(.registered(NFSRegistration(number: number(), isKnown: flag(), othersMissing: flag(), othersDeny: flag())))
        case 13: .client(.unknown([number(), number()]))
        case 14:
            .client(
                .list(
                    clients().entries.map { NFSClientStatus(entry: $0, leaseLeft: .seconds(chance.below(100))) },
                    locks().all.map { NFSLockStatus(inode: $0.inode, lock: $0.lock) }))
        default: .failed(failure())
        }
    }

    mutating func identity() -> NFSClientIdentity {
        var identity = NFSClientIdentity(
            owner: Array("client \(chance.below(3))".utf8), verifier: UInt64(chance.below(2)), flavor: 1, user: UInt32(chance.below(2)),
            minor: 1, address: "192.0.2.\(chance.below(9))", clientID: UInt64(chance.below(3)) << 32 | UInt64(chance.below(4)),
            mayReclaim: flag())
        identity.denies = flag()
        return identity
    }

    private mutating func lockName() -> NFSLockName { NFSLockName(client: number(), owner: number()) }

    mutating func client(_ kind: Int) -> NFSClientRequest {
        switch kind {
        case 0: .register(identity())
        case 1: .lock(inode(), range(), exclusive: flag(), lockName(), reclaim: flag())
        case 2: .unlock(inode(), range(), lockName())
        case 3: .testLock(inode(), range(), exclusive: flag(), lockName())
        case 4: .complete(number())
        case 5: .end(number())
        case 6: .renew((0..<chance.below(4)).map { _ in number() })
        default: .list
        }
    }

    mutating func clients() -> NFSClientTable {
        var table = NFSClientTable()
        for _ in 0..<chance.below(12) { _ = table.register(identity(), of: NodeID(UInt64(1 + chance.below(2))), at: time()) }
        return table
    }

    mutating func locks() -> LockTable {
        var table = LockTable()
        for _ in 0..<chance.below(12) {
            let inode = InodeID(UInt64(1 + chance.below(3)))
            let range = LockRange(start: UInt64(chance.below(50)), length: flag() ? .max : UInt64(1 + chance.below(20)))
            let owner = LockOwner(node: NodeID(UInt64(chance.below(3))), session: SessionID(1), owner: UInt64(chance.below(2)))
            let exclusive = flag()
            if table.conflict(inode, range, exclusive: exclusive, owner: owner) == nil {
                _ = table.grant(inode, range, exclusive: exclusive, owner: owner)
            } else {
                _ = table.release(inode, range, owner: owner)
            }
        }
        return table
    }
}

@Suite struct WireTests {
    private func check<Value: XDRCodable & Equatable>(_ value: Value) throws {
        #expect(try Value(xdr: value.xdrBytes) == value)
    }

    @Test func whatIsWrittenIsRead() throws {
        var samples = WireSamples(chance: SeededGenerator(seed: 11))
        for _ in 0..<20 {
            for kind in 0..<WireSamples.requestKinds { try check(samples.request(kind)) }
            for kind in 0..<WireSamples.resultKinds { try check(samples.result(kind)) }
            try check(samples.compound())
            try check(samples.changes())
            try check(samples.attributes())
            try check(samples.failure())
            try check(samples.path())
            try check(samples.stage())
            try check(samples.range())
            try check(samples.owner())
            try check(samples.locks())
        }
        for code in FileFailure.Code.allCases { try check(FileFailure(code, operation: "a", object: "b", cause: "c")) }
        try check(FilePath.root)
    }

    /// A compound of the largest number of requests is read, one more is refused.
    @Test func aCompoundIsBounded() throws {
        func compound(_ count: Int) -> Compound {
            Compound(
                filesystem: FilesystemID(kind: .nfs, high: 1, low: 2), session: SessionID(1), userID: 0, groupID: 0,
                requests: Array(repeating: .statistics, count: count))
        }
        try check(compound(Compound.maximumRequests))
        #expect(throws: XDRError.tooLong(length: 65, limit: 64)) { try Compound(xdr: compound(65).xdrBytes) }
    }

    /// Damaged bytes are refused, or read as a value that can be written again; never a crash.
    private func fuzz<Value: XDRCodable & Equatable>(_ seed: UInt64, rounds: Int = 1_500, _ make: (inout WireSamples) -> Value) throws {
        var samples = WireSamples(chance: SeededGenerator(seed: seed))
        var refused = 0
        for _ in 0..<rounds {
            var bytes = make(&samples).xdrBytes
            if bytes.isEmpty { continue }
            if samples.chance.below(4) == 0 { bytes.removeLast(samples.chance.below(bytes.count)) }
            for _ in 0..<(1 + samples.chance.below(4)) where !bytes.isEmpty {
                // Small numbers reach discriminants and flags; others reach lengths.
                bytes[samples.chance.below(bytes.count)] = UInt8(
                    truncatingIfNeeded: samples.chance.next() >> UInt64(samples.chance.below(8)))
            }
            do throws(XDRError) {
                let value = try Value(xdr: bytes)
                let again = try Value(xdr: value.xdrBytes)
                #expect(again == value)
            } catch { refused += 1 }
        }
        #expect(refused > rounds / 20, "only \(refused) of \(rounds) were refused")
    }

    @Test func damagedBytesAreHarmless() throws {
        try fuzz(21) { $0.compound() }
        try fuzz(22) { $0.result($0.chance.below(WireSamples.resultKinds)) }
        try fuzz(23) { $0.request($0.chance.below(WireSamples.requestKinds)) }
        try fuzz(24) { $0.failure() }
        try fuzz(25) { $0.changes() }
        try fuzz(26) { $0.locks() }
    }

    /// Counts that promise more than there is allocate nothing.
    @Test func lengthsAreNotBelieved() {
        for type: UInt32 in [2, 4, 5] {
            var writer = XDRWriter()
            writer.write(type)
            writer.write(UInt32.max)
            #expect(throws: XDRError.self) { try FileResult(xdr: writer.bytes) }
        }
    }
}
