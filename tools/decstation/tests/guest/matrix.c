/* The paper's Table 9: a naive 150 x 150 integer matrix multiply. ROWS of the 150 rows of the
 * result are computed. */
#define N 150

static int a[N][N], b[N][N], c[N][N];

int main(void)
{
	int i, j, k;

	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++) {
			a[i][j] = i + j;
			b[i][j] = i - j;
		}
	for (i = 0; i < ROWS; i++)
		for (j = 0; j < N; j++) {
			int sum = 0;

			for (k = 0; k < N; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] = sum;
		}
	/* sum over k of (3 + k)(k - 5) for i = 3, j = 5 */
	return c[3][5] == 1089175 ? 0 : 1;
}
