internal import CLinux
internal import Glibc
package import Primitives
internal import Transport

/// Carries packets between the regions of a cluster and this machine: it reads the TUN device of each
/// region, asks `PacketSchedule` when each packet leaves, and writes it to the device of the region
/// where it goes when that time has come. Between this machine and a region nothing is delayed.
///
/// One thread, in `epoll`; a timer descriptor wakes it for the next packet, because the timeout of
/// `epoll` itself counts milliseconds.
package final class PacketRouter {
    private struct Held {
        var slot: Int32
        var length: Int32
    }

    /// What a descriptor is to the loop; regions are their places.
    private enum Token {
        static let machine: UInt64 = 1_000
        static let timer: UInt64 = 1_001
        static let stop: UInt64 = 1_002
        static let control: UInt64 = 1_003
        static let leash: UInt64 = 1_004
        /// And the client's descriptor.
        static let clients: UInt64 = 1 << 32
    }

    /// Clients of the control socket that have not asked yet; the oldest goes for another.
    static let clientLimit = 16

    /// Packets that are read from one device before others have their turn.
    static let burst = 32

    private var settings: RouterSettings
    private var schedule: PacketSchedule<Held>
    private var pool = PacketPool()
    private let machine: TunDevice
    private var devices: [TunDevice] = []
    private let epoll: Int32
    private let timer: Int32
    private var armed: Instant?
    private var clients: [Int32] = []
    package private(set) var counters = RouterCounters()

    /// Makes the devices and namespaces; they end with this value.
    package init(_ settings: RouterSettings) throws {
        guard settings.regions.count <= Subnet.regionLimit else {
            throw RouterError("make", "\(settings.regions.count) regions", "at most \(Subnet.regionLimit)")
        }
        if let taken = AddressRange.inUse().first(where: { $0.overlaps(settings.subnet) }) {
            throw RouterError("use", "\(settings.subnet)", "this machine uses \(taken)")
        }
        self.settings = settings
        schedule = PacketSchedule(regions: [], rules: .none)
        machine = try TunDevice.machine(settings.device, settings.subnet)
        epoll = atoll_epoll()
        timer = atoll_timer()
        guard epoll >= 0, timer >= 0 else { throw RouterError.system("make", "an epoll and a timer") }
        try watch(machine.file, Token.machine)
        try watch(timer, Token.timer)
        try update(settings)
    }

    deinit {
        machine.end()
        for device in devices { device.end() }
        for client in clients { close(client) }
        close(epoll)
        close(timer)
    }

    /// New rules, and regions that come to those that are there.
    package func update(_ new: RouterSettings) throws {
        settings.rules = new.rules
        for (place, region) in new.regions.enumerated() where place >= devices.count {
            let device = try TunDevice.region(place, settings.subnet, window: settings.window)
            devices.append(device)
            try watch(device.file, UInt64(place))
            schedule.update(regions: [region], rules: new.rules)
        }
        settings.regions = new.regions
        schedule.update(regions: new.regions, rules: new.rules)
    }

    /// Where each region's namespace can be opened while this process runs.
    package var namespaces: [(region: RegionID, path: String)] {
        zip(settings.regions, devices).map { ($0, "/proc/\(getpid())/fd/\($1.namespace!)") }
    }

    /// Until a signal tells it to stop; or, where `leash` is a descriptor, for as long after its end as
    /// `isNeeded` says so, 20 s at most. `control` answers requests by a socket that listens.
    package func run(control: borrowing ControlSocket, leash: Int32?, isNeeded: () -> Bool, answer: (String) -> String) throws {
        let stop = atoll_stop_signals()
        guard stop >= 0 else { throw RouterError.system("take", "signals") }
        // On a busy machine packets would leave tens of milliseconds late. The kernel leaves ordinary processes
        // 5 % of the time in any case (sched(7)); where it refuses, packets leave as soon as this process runs.
        _ = atoll_run_promptly()
        try watch(stop, Token.stop)
        try watch(control.file, Token.control)
        if let leash { try watch(leash, Token.leash) }
        var tokens = [UInt64](repeating: 0, count: 64)
        var end: Instant?
        while true {
            if let end, Self.now > end || !isNeeded() { return }
            let count = atoll_epoll_wait(epoll, &tokens, end == nil ? -1 : 100)
            guard count >= 0 || errno == EINTR else { throw RouterError.system("wait for", "packets") }
            for token in tokens.prefix(Int(max(count, 0))) {
                switch token {
                case Token.stop: return
                case Token.timer: disarm()
                case Token.control: accept(control)
                case Token.clients...: serve(Int32(token - Token.clients), answer)
                case Token.leash:
                    guard let leash, Self.hasEnded(leash) else { break }
                    _ = atoll_epoll_remove(epoll, leash)
                    end = Self.now + .seconds(20)
                case Token.machine: receive(from: nil)
                default: receive(from: Int(token))
                }
            }
            sendDue()
        }
    }

    // MARK: Packets

    private func receive(from place: Int?) {
        let file = place.map { devices[$0].file } ?? machine.file
        for _ in 0..<Self.burst {
            guard let slot = pool.take() else {
                // Nothing is read while there is no room: the device's own queue is what overflows.
                counters.full += 1
                var rest: UInt8 = 0
                _ = read(file, &rest, 1)
                return
            }
            let count = read(file, pool.buffer(slot), PacketPool.stride)
            guard count > 0 else { return pool.give(slot) }
            forward(Held(slot: slot, length: Int32(count)), from: place)
        }
    }

    private func forward(_ packet: Held, from sender: Int?) {
        let bytes = UnsafeRawBufferPointer(start: pool.buffer(packet.slot), count: Int(packet.length))
        guard let header = PacketHeader(bytes) else { return drop(packet, \.stray) }
        switch settings.subnet.place(of: header.destination) {
        case .machine where sender != nil: send(packet, to: machine.file)
        case .region(let receiver) where receiver < devices.count && receiver != sender:
            guard let sender else { return send(packet, to: devices[receiver].file) }
            let verdict = schedule.admit(
                packet, bytes: Int(packet.length), from: sender, to: receiver, flow: header.flow, now: Self.now)
            switch verdict {
            case .leaves: break
            case .dropped(.cut): drop(packet, \.cut)
            case .dropped(.loss): drop(packet, \.lost)
            case .dropped(.full): drop(packet, \.full)
            }
        default: drop(packet, \.stray)
        }
    }

    private func sendDue() {
        while true {
            let now = Self.now
            guard let next = schedule.nextWake, next <= now, let (packet, to) = schedule.popDue(now: now) else { break }
            counters.latest = max(counters.latest, (now - next).inNanoseconds)
            if let to { send(packet, to: devices[to].file) } else { drop(packet, \.cut) }
        }
        if let next = schedule.nextWake, armed.map({ next < $0 }) ?? true {
            armed = next
            _ = atoll_timer_set(timer, max(next.nanoseconds, 1))
        }
    }

    private func send(_ packet: Held, to file: Int32) {
        let count = write(file, pool.buffer(packet.slot), Int(packet.length))
        if count == Int(packet.length) {
            counters.forwarded += 1
            counters.bytes += UInt64(packet.length)
        } else {
            counters.refused += 1
        }
        pool.give(packet.slot)
    }

    private func drop(_ packet: Held, _ counter: WritableKeyPath<RouterCounters, UInt64>) {
        counters[keyPath: counter] += 1
        pool.give(packet.slot)
    }

    // MARK: The loop

    private func accept(_ control: borrowing ControlSocket) {
        guard let client = control.acceptClient() else { return }
        if clients.count == Self.clientLimit { close(clients.removeFirst()) }
        guard (try? watch(client, Token.clients + UInt64(client))) != nil else {
            close(client)
            return
        }
        clients.append(client)
    }

    private func serve(_ client: Int32, _ answer: (String) -> String) {
        guard let place = clients.firstIndex(of: client) else { return }
        clients.remove(at: place)
        ControlSocket.serve(client, answer)
    }

    private func disarm() {
        var expirations: UInt64 = 0
        _ = read(timer, &expirations, 8)
        armed = nil
    }

    private func watch(_ file: Int32, _ token: UInt64) throws(RouterError) {
        guard atoll_epoll_add(epoll, file, token) == 0 else { throw .system("watch", "a descriptor") }
    }

    private static func hasEnded(_ file: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = read(file, &byte, 1)
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
