import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from recommend.events.partitions import CreateEventTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0003_groups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160)),
                ('charge', models.CharField(choices=[('click', 'For each click'), ('view', 'For each time seen')], default='click', max_length=8)),
                ('bid', models.DecimalField(decimal_places=4, help_text='The most that one click (or one view) may cost', max_digits=10, validators=[django.core.validators.MinValueValidator(0)])),
                ('budget', models.DecimalField(decimal_places=2, help_text='For the whole campaign', max_digits=12, validators=[django.core.validators.MinValueValidator(0)])),
                ('daily_budget', models.DecimalField(blank=True, decimal_places=2, help_text='The most that one day may cost. Empty: what is left is spread over the days that are left.', max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('pacing', models.CharField(choices=[('even', 'Spread evenly over the day'), ('none', 'As fast as shoppers come')], default='even', max_length=8)),
                ('spent', models.DecimalField(decimal_places=4, default=0, editable=False, max_digits=12)),
                ('spent_on_day', models.DecimalField(decimal_places=4, default=0, editable=False, max_digits=12)),
                ('spending_day', models.DateField(editable=False, help_text='The day that spent_on_day is of', null=True)),
                ('cap_per_shopper', models.PositiveSmallIntegerField(default=5, help_text='Times shown to one shopper in a day')),
                ('starts_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('products', models.ManyToManyField(related_name='campaigns', to='catalog.product')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='catalog.store')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='CampaignDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('shown', models.PositiveIntegerField(default=0)),
                ('clicked', models.PositiveIntegerField(default=0)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='recommend.campaign')),
            ],
        ),
        migrations.CreateModel(
            name='Companions',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('basket', 'In one basket'), ('crossing', 'Next or together, from another category')], max_length=8)),
                ('rows', models.JSONField(default=list)),
                ('counted_at', models.DateTimeField()),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='Crossing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rows', models.JSONField(default=list)),
                ('counted_at', models.DateTimeField()),
                ('category', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.category')),
            ],
        ),
        migrations.CreateModel(
            name='Demand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('popularity', models.FloatField(help_text='Recent days count more, purchases more than views')),
                ('recent', models.PositiveIntegerField(help_text='In the last days')),
                ('expected', models.FloatField(help_text='In as many days, by its own past')),
                ('rise', models.FloatField(help_text='Signed root of the Poisson deviance: how surprising `recent` is')),
                ('counted_at', models.DateTimeField()),
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='Exposure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='Its beginning')),
                ('shown', models.PositiveIntegerField(default=0)),
                ('clicks', models.PositiveIntegerField(default=0)),
                ('product', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='As in recommend.models.registry', max_length=40)),
                ('path', models.CharField(help_text='Folder below MODELS_DIR', max_length=300)),
                ('seed', models.BigIntegerField(default=0)),
                ('config', models.JSONField(default=dict)),
                ('metrics', models.JSONField(default=dict, help_text="On held-out data, with the live model's beside them")),
                ('cleaning', models.JSONField(default=dict, help_text='What was removed from the events before training')),
                ('note', models.CharField(blank=True, help_text='Why it was published, or why not', max_length=300)),
                ('live', models.BooleanField(default=False)),
                ('points', models.CharField(choices=[('none', 'None'), ('filling', 'Filling'), ('level', 'Level'), ('behind', 'Behind')], default='none', help_text='Its item vectors', max_length=8)),
                ('trained_until', models.DateTimeField(blank=True, help_text='Time of the newest event that it learned', null=True)),
                ('measured_until', models.DateTimeField(blank=True, help_text='The same, of the state that was measured', null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('live', True)), fields=('live',), name='model_version_one_live')],
            },
        ),
        migrations.CreateModel(
            name='Placement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(help_text='In the link that the shopper clicks; random, so not to be guessed', unique=True)),
                ('surface', models.CharField(max_length=40)),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='Among the sponsored ones, counted from 0')),
                ('relevance', models.FloatField(default=1.0, help_text='0 to 1; what the bid was weighed with')),
                ('price', models.DecimalField(decimal_places=4, max_digits=10)),
                ('shown_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('clicked_at', models.DateTimeField(blank=True, help_text='The first time', null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='placements', to='recommend.campaign')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=4, max_digits=10)),
                ('charged_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='recommend.campaign')),
                ('placement', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='charge', to='recommend.placement')),
            ],
        ),
        migrations.CreateModel(
            name='Shopper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, help_text="What the device's cookie holds", unique=True)),
                ('merged_at', models.DateTimeField(blank=True, null=True)),
                ('personalised', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merged', to='recommend.shopper')),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='shopper', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='placement',
            name='shopper',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recommend.shopper'),
        ),
        CreateEventTable(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.UUIDField(help_text='Given by the client: the same one twice is one event')),
                ('kind', models.CharField(choices=[('view', 'View'), ('click', 'Click on a hit or a recommendation'), ('search', 'Search'), ('cart', 'Add to cart'), ('remove', 'Remove from cart'), ('purchase', 'Purchase'), ('rating', 'Rating'), ('like', 'Like'), ('hide', 'Hide'), ('not-for-me', 'Not for me')], max_length=12)),
                ('query', models.CharField(blank=True, max_length=300)),
                ('surface', models.CharField(blank=True, help_text='Where the product was shown: for-you, search, …', max_length=40)),
                ('position', models.PositiveSmallIntegerField(blank=True, help_text='Counted from 0', null=True)),
                ('value', models.DecimalField(blank=True, decimal_places=2, help_text='A rating of 1 to 5, or the price paid', max_digits=12, null=True)),
                ('quantity', models.PositiveSmallIntegerField(default=1)),
                ('basket', models.CharField(blank=True, help_text='What was bought together shares one', max_length=64)),
                ('session', models.CharField(blank=True, max_length=64)),
                ('device', models.CharField(blank=True, help_text='phone, tablet, desktop, app', max_length=20)),
                ('consent', models.BooleanField(default=True, help_text="May be used for this shopper's own recommendations")),
                ('happened_at', models.DateTimeField()),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('product', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='catalog.product')),
                ('shopper', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='recommend.shopper')),
            ],
        ),
        migrations.CreateModel(
            name='TrainingRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('published', 'Published'), ('kept back', 'Kept back'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('kind', models.CharField(default='full', help_text='full, incremental, or publish', max_length=12)),
                ('seed', models.BigIntegerField(default=0)),
                ('progress', models.JSONField(default=dict, help_text='Stage, epoch, of how many, loss, held-out figure')),
                ('error', models.TextField(blank=True)),
                ('lease_until', models.DateTimeField(blank=True, help_text='A run whose lease ended is taken up again', null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='recommend.modelversion')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('spent__lte', models.F('budget'))), name='campaign_spent_within_budget'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('bid__gt', 0)), name='campaign_bid_positive'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='campaign_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='campaignday',
            constraint=models.UniqueConstraint(fields=('campaign', 'day'), name='campaign_day_once'),
        ),
        migrations.AddConstraint(
            model_name='companions',
            constraint=models.UniqueConstraint(fields=('product', 'kind'), name='companions_once'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['-popularity'], name='recommend_d_popular_cf42f1_idx'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['-rise'], name='recommend_d_rise_b307e5_idx'),
        ),
        migrations.AddIndex(
            model_name='exposure',
            index=models.Index(fields=['hour'], name='recommend_e_hour_fa71b7_idx'),
        ),
        migrations.AddConstraint(
            model_name='exposure',
            constraint=models.UniqueConstraint(fields=('product', 'hour'), name='exposure_once'),
        ),
        migrations.AddIndex(
            model_name='charge',
            index=models.Index(fields=['campaign', '-charged_at'], name='recommend_c_campaig_b115c5_idx'),
        ),
        migrations.AddConstraint(
            model_name='shopper',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='shopper_not_merged_into_itself'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['campaign', 'shopper', '-shown_at'], name='recommend_p_campaig_984e6a_idx'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['shown_at'], name='recommend_p_shown_a_2feb6d_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['shopper', '-happened_at'], name='recommend_e_shopper_013924_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['product', 'kind', '-happened_at'], name='recommend_e_product_34ca82_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['-happened_at'], name='recommend_e_happene_083d1f_idx'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.UniqueConstraint(fields=('event_id', 'happened_at'), name='event_once'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('consent', True), ('shopper__isnull', False)), models.Q(('basket', ''), ('consent', False), ('query', ''), ('session', ''), ('shopper__isnull', True)), _connector='OR'), name='event_personal_only_with_consent'),
        ),
    ]
