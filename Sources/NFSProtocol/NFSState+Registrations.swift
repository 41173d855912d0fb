import Filesystem
import Primitives

// What of a client is in the replicated state of the file systems that it uses: its registration, made with its first open or lock
// there, so that another start of this server, or another server, lets it reclaim; and its locks (docs/rfcs/2026-11-22-nfs-state.md).

/// A client as one file system knows it.
struct Registration: Sendable {
    var told: NFSRegistration
    /// It is told to have opens that deny others theirs.
    var denies: Bool
    /// Asked for at this time it was known there: for the length of the lease nobody else gets what it holds.
    var confirmed: Instant
}

/// The locks of one owner on one file, as the cluster knows them.
struct LockPlace: Hashable, Sendable {
    let object: ObjectKey
    let name: NFSLockName
}

/// Calls about registrations that no compound waits for.
struct RegistrationCalls: Sendable {
    struct Renewal: Sendable {
        let filesystem: FilesystemID
        let numbers: [UInt64]
        let sent: Instant
    }

    struct Ended: Hashable, Sendable {
        let filesystem: FilesystemID
        let number: UInt64
    }

    var renewals: [CallID: Renewal] = [:]
    var nextRenewal = Instant.zero
    /// Registrations to be ended: under way, and to be tried again, each a few times: their leases end by themselves.
    var ending: [CallID: (ended: Ended, tries: Int)] = [:]
    var endAgain: [(ended: Ended, tries: Int)] = []
    /// Locks that nobody waits for to be given back: under way, and to be tried again.
    var unlocking: [CallID: LockPlace] = [:]
    var unlockAgain: [LockPlace] = []
}

extension NFSState {
    static let renewEvery = Duration.seconds(5)
    private static let endTries = 5

    var lease: Duration { .seconds(Int64(limits.leaseSeconds)) }

    /// Whether clients of an earlier start of this server may still come back.
    var isGrace: Bool { now < begun + lease }

    /// The client's registration with a file system, made if there is none yet.
    mutating func registration(_ client: ClientID, _ filesystem: FilesystemID, denies: Bool = false, _ run: inout CompoundRun, _ step: Int)
        throws(Stop) -> Registration
    {
        guard let record = clients[client] else { throw .status(run.minor == 0 ? .expired : .delay) }
        let known = record.registrations[filesystem]
        if let known, known.denies || !denies, run.answers[step] == nil { return known }
        var identity = NFSClientIdentity(
            owner: record.owner, verifier: record.verifier.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, flavor: record.principal.flavor,
            user: record.principal.user, minor: record.minor, address: addresses[run.connection] ?? "", clientID: client.rawValue,
            mayReclaim: !record.hasReclaimed)
        identity.denies = denies
        let answer = try file(&run, step, own(filesystem), .client(.register(identity))).value
        guard case .client(.registered(var told)) = answer else { throw .status(.serverfault) }
        if let known = clients[client]?.registrations[filesystem] {
            if known.denies || !denies { return known }
            told.isKnown = told.isKnown || known.told.isKnown
        }
        let made = Registration(told: told, denies: denies, confirmed: run.began)
        clients[client]!.registrations[filesystem] = made
        return made
    }

    // MARK: Renewal

    /// Tells the file systems which clients are alive. One that has been silent for half its lease is not told: when the lease that it
    /// has there is over too, others may have what it holds. (Were only those told that were heard just now, the server's own end would
    /// leave idle clients little time to reclaim.)
    mutating func renewRegistrations() {
        let (endAgain, unlockAgain) = (registrationCalls.endAgain, registrationCalls.unlockAgain)
        registrationCalls.endAgain = []
        registrationCalls.unlockAgain = []
        for again in endAgain { endRegistration(again.ended, tries: again.tries) }
        for place in unlockAgain { giveBack(place) }
        guard now >= registrationCalls.nextRenewal else { return }
        registrationCalls.nextRenewal = now + Self.renewEvery
        var numbers: [FilesystemID: [UInt64]] = [:]
        for id in clients.keys.sorted() where clients[id]!.renewed + .seconds(Int64(limits.leaseSeconds / 2)) >= now {
            // any order: each file system has a list of its own
            for (filesystem, registration) in clients[id]!.registrations {
                numbers[filesystem, default: []].append(registration.told.number)
            }
        }
        let underWay = Set(registrationCalls.renewals.values.map(\.filesystem))
        for filesystem in numbers.keys.sorted() where !underWay.contains(filesystem) {
            let call = post(.file(own(filesystem), .client(.renew(numbers[filesystem]!)), payload: []))
            registrationCalls.renewals[call] = RegistrationCalls.Renewal(filesystem: filesystem, numbers: numbers[filesystem]!, sent: now)
        }
    }

    /// Answers to calls of nobody; false where it is none of them.
    mutating func answeredRegistration(_ call: CallID, _ answer: SeamAnswer) -> Bool {
        if let renewal = registrationCalls.renewals.removeValue(forKey: call) {
            renewed(renewal.filesystem, renewal.numbers, sent: renewal.sent, answer)
            return true
        }
        if let (ended, tries) = registrationCalls.ending.removeValue(forKey: call) {
            if case .failed(let failure) = answer, failure.code != .stale, tries < Self.endTries {
                registrationCalls.endAgain.append((ended, tries + 1))
            }
            return true
        }
        if let place = registrationCalls.unlocking.removeValue(forKey: call) {
            if case .failed(let failure) = answer, failure.code != .badHandle, failure.code != .stale {
                registrationCalls.unlockAgain.append(place)
            }
            return true
        }
        return false
    }

    private mutating func renewed(_ filesystem: FilesystemID, _ numbers: [UInt64], sent: Instant, _ answer: SeamAnswer) {
        var gone: Set<UInt64> = []
        switch answer {
        case .value(.client(.unknown(let unknown)), _): gone = Set(unknown)
        // The file system has been deleted.
        case .failed(let failure) where failure.code == .stale: gone = Set(numbers)
        default: return
        }
        let asked = Set(numbers)
        for id in clients.keys.sorted() {
            guard let registration = clients[id]?.registrations[filesystem], asked.contains(registration.told.number) else { continue }
            if gone.contains(registration.told.number) {
                clients[id]!.registrations[filesystem] = nil
                // Others may have had what it held: it must begin again.
                end(id)
            } else {
                clients[id]!.registrations[filesystem]!.confirmed = max(registration.confirmed, sent)
            }
        }
    }

    /// A client that was silent, or whose server was cut off, for as long as a lease: whether it still has what it had is asked before
    /// anything is done for it.
    func needsConfirmation(_ client: ClientID) -> Bool {
        // any order: one is as good as another
        clients[client]?.registrations.values.contains { $0.confirmed + lease < now } ?? false
    }

    mutating func confirmRegistrations(_ client: ClientID, _ run: inout CompoundRun) throws(Stop) {
        let filesystems = (clients[client]?.registrations ?? [:]).keys.sorted()
        for (place, filesystem) in filesystems.enumerated() {
            let step = 1_000 + place
            guard let registration = clients[client]?.registrations[filesystem] else { continue }
            guard registration.confirmed + lease < now || run.answers[step] != nil else { continue }
            let numbers = [registration.told.number]
            let call = SeamCall.file(own(filesystem), .client(.renew(numbers)), payload: [])
            let answer = try ask(&run, step, call)
            renewed(filesystem, numbers, sent: run.began, answer)
            if case .failed = answer { throw .status(.delay) }
        }
    }

    // MARK: Ends

    /// The registrations of a client that has ended, with all its locks.
    mutating func endRegistrations(of client: ClientRecord) {
        for filesystem in client.registrations.keys.sorted() {
            let number = client.registrations[filesystem]!.told.number
            endRegistration(RegistrationCalls.Ended(filesystem: filesystem, number: number), tries: 0)
        }
    }

    private mutating func endRegistration(_ ended: RegistrationCalls.Ended, tries: Int) {
        let call = post(.file(own(ended.filesystem), .client(.end(ended.number)), payload: []))
        registrationCalls.ending[call] = (ended, tries)
    }

    /// All locks of an owner on a file are given back; what can not be given back now is later.
    mutating func giveBack(_ place: LockPlace) {
        let all = LockRange(start: 0, length: .max)
        let call = post(.file(own(place.object.filesystem), .client(.unlock(place.object.inode, all, place.name)), payload: []))
        registrationCalls.unlocking[call] = place
    }
}

extension NFSLockName {
    /// FNV-1a over the owner's name: its upper half tells the owner again after a restart.
    init(_ client: UInt64, owner: [UInt8], number: UInt64) {
        let hash = owner.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let tag = UInt64(UInt32(truncatingIfNeeded: hash ^ hash >> 32))
        self.init(client: client, owner: tag << 32 | UInt64(UInt32(truncatingIfNeeded: number)))
    }
}
