/* The exception and TLB tests: a bare program for a DECstation with an R3000. It prints one line for
 * each check through the PROM's printf, so that it runs on any emulator of that machine:
 *
 *     ok NAME            or            FAIL NAME: got X, want Y
 *
 * and ends with "N passed, M failed". On the model the number of failures is the exit status. */

typedef unsigned u32;

struct record {
	u32 cause, epc, bad, context, hi, status, vector, resume, ra, sp;
};
extern volatile struct record record;
extern u32 vector_utlb[], vector_general[], vector_end[];
extern u32 probe(void (*what)(void), u32 a, u32 b);
extern void do_nothing(void), do_syscall(void), do_break(void), do_sync(void), do_beql(void);
extern void do_ll(void), do_teq(void), do_eret(void), do_add(void), do_addi(void), do_sub(void);
extern void do_lw(void), do_lh(void), do_lbu(void), do_sw(void), do_sh(void), do_fp(void);
extern void do_cop2(void), do_jump(void), do_slot(void), do_load_delay(void), in_user(void);
extern void tlb_write(u32 index, u32 hi, u32 lo);
extern u32 tlb_probe(u32 hi), tlb_read_hi(u32 index), tlb_read_lo(u32 index), random(void);
extern void set_hi(u32 hi), set_context(u32 base);
extern char user_page[];

static int (*print)(const char *, ...);
static int passed, failed;
static volatile u32 data[1024] __attribute__((aligned(4096)));

enum { V = 0x200, D = 0x400, G = 0x100 };
enum { NONE = 99, MOD = 1, TLBL, TLBS, ADEL, ADES, IBE, DBE, SYS, BP, RI, CPU, OV };

static void check(const char *name, u32 got, u32 want)
{
	if (got == want) {
		passed++;
		print("ok %s\n", name);
	} else {
		failed++;
		print("FAIL %s: got %x, want %x\n", name, got, want);
	}
}

/* The exception's code, or NONE. */
static u32 code(void)
{
	return record.cause == (u32)-1 ? NONE : record.cause >> 2 & 31;
}

static u32 physical(volatile void *p)
{
	return (u32)p & 0x1fffffff;
}

static void codes(void)
{
	static const struct {
		const char *name;
		void (*what)(void);
		u32 a, b, want;
	} t[] = {
		{ "no-exception", do_nothing, 0, 0, NONE },
		{ "syscall", do_syscall, 0, 0, SYS },
		{ "break", do_break, 0, 0, BP },
		{ "reserved-sync", do_sync, 0, 0, RI },
		{ "reserved-beql", do_beql, 0, 0, RI },
		{ "reserved-ll", do_ll, 0x80030000, 0, RI },
		{ "reserved-teq", do_teq, 0, 0, RI },
		{ "reserved-eret", do_eret, 0, 0, RI },
		{ "overflow-add", do_add, 0x7fffffff, 1, OV },
		{ "overflow-addi", do_addi, 0x7fffffff, 0, OV },
		{ "overflow-sub", do_sub, 0x80000000, 1, OV },
		{ "no-overflow-add", do_add, 0x7fffffff, 0x80000000, NONE },
		{ "unaligned-lw", do_lw, 0x80030002, 0, ADEL },
		{ "unaligned-lh", do_lh, 0x80030001, 0, ADEL },
		{ "unaligned-sw", do_sw, 0x80000003, 0, ADES },
		{ "unaligned-sh", do_sh, 0x80000003, 0, ADES },
		{ "fpu-unusable", do_fp, 0, 0, CPU },
		{ "cop2-unusable", do_cop2, 0, 0, CPU },
		{ "bus-error-load", do_lw, 0xbe000000, 0, DBE },
		{ "utlb-load", do_lw, 0x00005678, 0, TLBL },
		{ "utlb-store", do_sw, 0x00005678, 0, TLBS },
		{ "utlb-fetch", do_jump, 0x00005678, 0, TLBL },
		{ "kseg2-load", do_lw, 0xc0005678, 0, TLBL },
		{ "kseg2-store", do_sw, 0xc0005678, 0, TLBS },
	};
	u32 i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		probe(t[i].what, t[i].a, t[i].b);
		check(t[i].name, code(), t[i].want);
	}
	probe(do_fp, 0, 0);
	check("fpu-names-unit-1", record.cause >> 28 & 3, 1);
	probe(do_cop2, 0, 0);
	check("cop2-names-unit-2", record.cause >> 28 & 3, 2);
	probe(do_syscall, 0, 0);
	check("epc", record.epc, (u32)do_syscall);
	check("bd-clear", record.cause >> 31, 0);
	probe(do_slot, 0, 0);
	check("epc-is-the-branch", record.epc, (u32)do_slot);
	check("bd-set", record.cause >> 31, 1);
	check("general-vector", record.vector, 0x80);
	data[0] = 7;
	check("load-delay-old-value", probe(do_load_delay, (u32)data, 0), 5);
}

static void tlb(void)
{
	set_hi(3 << 6);
	set_context(0xffe00000);
	probe(do_lw, 0x12345678, 0);
	check("utlb-vector", record.vector, 0);
	check("utlb-bad-address", record.bad, 0x12345678);
	check("utlb-entryhi", record.hi, 0x12345000 | 3 << 6);
	check("utlb-context", record.context, 0xffe00000 | 0x12345 << 2);
	probe(do_lw, 0xc0005678, 0);
	check("kseg2-vector", record.vector, 0x80);

	tlb_write(10, 0x5000 | 3 << 6, physical(data) | V | D);
	data[1] = 0xfeed;
	check("mapped-load", probe(do_lw, 0x5004, 0), 0xfeed);
	probe(do_sw, 0x5008, 0xbeef);
	check("mapped-store", data[2], 0xbeef);
	set_hi(4 << 6);
	probe(do_lw, 0x5004, 0);
	check("other-asid-misses", code() << 8 | record.vector, TLBL << 8);
	tlb_write(10, 0x5000 | 3 << 6, physical(data) | V | D | G);
	set_hi(4 << 6);
	check("global-page", probe(do_lw, 0x5004, 0), 0xfeed);
	tlb_write(10, 0x5000 | 3 << 6, physical(data) | V);
	set_hi(3 << 6);
	probe(do_sw, 0x5008, 1);
	check("modified", code() << 8 | record.vector, MOD << 8 | 0x80);
	check("modified-bad-address", record.bad, 0x5008);
	check("read-only-unchanged", data[2], 0xbeef);
	tlb_write(10, 0x5000 | 3 << 6, physical(data) | D);
	probe(do_lw, 0x5004, 0);
	check("invalid-load", code() << 8 | record.vector, TLBL << 8 | 0x80);
	probe(do_sw, 0x5004, 0);
	check("invalid-store", code() << 8 | record.vector, TLBS << 8 | 0x80);

	tlb_write(33, 0x6000 | 5 << 6, 0x00123000 | V);
	check("tlbp-hit", tlb_probe(0x6000 | 5 << 6), 33 << 8);
	check("tlbp-miss", tlb_probe(0x6000 | 6 << 6) >> 31, 1);
	check("tlbr-hi", tlb_read_hi(33), 0x6000 | 5 << 6);
	check("tlbr-lo", tlb_read_lo(33), 0x00123000 | V);
	{
		u32 i, least = 63;

		for (i = 0; i < 500; i++) {
			u32 r = random();

			if (r < least)
				least = r;
		}
		check("random-stays-above-7", least >= 8, 1);
	}
}

static void user(void)
{
	const u32 page = 0x1000;

	tlb_write(12, page | 3 << 6, physical(user_page) | V);
	set_hi(3 << 6);
	probe(in_user, page, 0);
	check("user-syscall", code(), SYS);
	check("user-mode-pushed", record.status & 0x3f, 0x8);
	check("user-epc", record.epc, page);
	probe(in_user, page + 0x10, 0x80030000);
	check("user-load-kseg0", code(), ADEL);
	probe(in_user, page + 0x10, (u32)data);
	check("user-load-kseg0-touched", code(), ADEL);
	probe(in_user, page + 0x10, 0xc0000000);
	check("user-load-kseg2", code(), ADEL);
	probe(in_user, page + 0x20, 0xa0000000);
	check("user-store-kseg1", code(), ADES);
	probe(in_user, page + 0x50, (u32)do_nothing);
	check("user-fetch-kseg0", code(), ADEL);
	probe(in_user, page + 0x30, 0);
	check("user-mfc0", code() << 4 | (record.cause >> 28 & 3), CPU << 4);
	probe(in_user, page + 0x40, 0);
	check("user-mtc0", code() << 4 | (record.cause >> 28 & 3), CPU << 4);
	probe(in_user, page + 0x60, 0);
	check("user-tlbp", code() << 4 | (record.cause >> 28 & 3), CPU << 4);
	probe(in_user, page + 0x10, 0x9000);
	check("user-utlb", code() << 8 | record.vector, TLBL << 8);
}

/* What stops GXemul for good; after the totals. */
static void last(void)
{
	probe(do_jump, 0x80030002, 0);
	check("unaligned-fetch", code(), ADEL);
	check("unaligned-fetch-epc", record.epc, 0x80030002);
}

int main(u32 argc, u32 argv, u32 magic, u32 *callbacks)
{
	u32 i, n = vector_general - vector_utlb;
	volatile u32 *low = (volatile u32 *)0xa0000000;
	u32 *stubs = (u32 *)((u32)vector_utlb | 0x20000000);

	(void)argc, (void)argv, (void)magic;
	print = (int (*)(const char *, ...))callbacks[0x30 / 4];
	for (i = 0; i < n; i++) {
		low[i] = stubs[i];
		low[0x20 + i] = stubs[n + i];
	}
	for (i = 0; i < 64; i++)
		tlb_write(i, 0x80000000 + (i << 12), 0);
	codes();
	tlb();
	user();
	print("%d passed, %d failed\n", passed, failed);
	last();
	return failed;
}
